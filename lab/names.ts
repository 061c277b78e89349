import { createHash } from "node:crypto";
import { SluiceError } from "../core/errors.ts";

/** Everything the lab makes on the machine carries this prefix and the lab's name; it touches nothing else. */
const prefix = "sluice";

/**
 * A lab's name holds no dash, so that no lab's prefix is the beginning of another's: `sluice-a-` never matches a namespace
 * of lab `ab`.
 */
export function checkLabName(name: string): void {
  if (/^[a-z0-9]{1,20}$/.test(name)) return;
  throw new SluiceError("USAGE", `lab name "${name}": use 1 to 20 lower-case letters and digits`);
}

/** What the names of all network namespaces of one lab start with. */
export const namespacePrefix = (lab: string): string => `${prefix}-${lab}-`;

export const fabricNamespace = (lab: string): string => `${namespacePrefix(lab)}fabric`;
export const nodeNamespace = (lab: string, node: string): string => bounded(`${namespacePrefix(lab)}node-${node}`);
export const externalNamespace = (lab: string, name: string): string =>
  bounded(`${namespacePrefix(lab)}external-${name}`);
/** A Kubernetes namespace holds no dot, so `pod-a.b` stands for one pod only. */
export const podNamespace = (lab: string, namespace: string, name: string): string =>
  bounded(`${namespacePrefix(lab)}pod-${namespace}.${name}`);

/** The node's end of a pod's veth pair: `slp` and 11 hexadecimal digits of SHA-1 of `namespace.name`, as Calico names its own. */
export const podInterface = (namespace: string, name: string): string => `slp${shortHash(`${namespace}.${name}`)}`;

/** The fabric's end of the veth pair of a node or an external host. */
export const fabricPort = (host: string): string => `slf${shortHash(host)}`;

/** `shop/web` */
export const podId = (namespace: string, name: string): string => `${namespace}/${name}`;

function shortHash(text: string): string {
  return createHash("sha1").update(text).digest("hex").slice(0, 11);
}

/** `ip netns` keeps a file per namespace, and a file name has at most 255 bytes. */
function bounded(name: string): string {
  return name.length <= 200 ? name : `${name.slice(0, 180)}-${shortHash(name)}`;
}
