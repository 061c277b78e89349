import { z } from "zod";
import { type Address, tryParseAddress } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";
import type { KubeObject } from "../core/kube/objects.ts";
import { protocolName } from "../policy/protocol.ts";

const service = z.looseObject({
  selector: z.record(z.string(), z.string()).nullish(),
  ports: z
    .array(
      z.looseObject({
        port: z.int(),
        protocol: z.string().default("TCP"),
        targetPort: z.union([z.int(), z.string()]).nullish(),
      }),
    )
    .default([]),
});

const pod = z.looseObject({
  containers: z
    .array(
      z.looseObject({
        ports: z.array(z.looseObject({ name: z.string().optional(), containerPort: z.int() })).nullish(),
      }),
    )
    .default([]),
});

const addresses = z.looseObject({
  clusterIP: z.string().nullish(),
  clusterIPs: z.array(z.string()).nullish(),
  externalIPs: z.array(z.string()).nullish(),
});

/** The Service, as `namespace/name`, whose address this is. */
export function serviceAt(address: string, objects: readonly KubeObject[]): string | undefined {
  const wanted = tryParseAddress(address);
  if (wanted === undefined) return undefined;
  const found = objects.find((object) => {
    if (object.kind !== "Service") return false;
    const { externalIPs } = specOf(addresses, object);
    return [...clusterAddresses(object), ...(externalIPs ?? [])].some((text) => tryParseAddress(text) === wanted);
  });
  return found === undefined ? undefined : `${found.metadata.namespace ?? "default"}/${found.metadata.name}`;
}

/** By which addresses the cluster knows the Service `namespace/name`. */
export function addressesOf(path: string, objects: readonly KubeObject[]): readonly Address[] {
  const object = serviceNamed(path, objects);
  return object === undefined ? [] : clusterAddresses(object).flatMap((text) => tryParseAddress(text) ?? []);
}

function clusterAddresses(object: KubeObject): readonly string[] {
  const { clusterIP, clusterIPs } = specOf(addresses, object);
  return [clusterIP, ...(clusterIPs ?? [])].filter((text) => typeof text === "string");
}

function serviceNamed(path: string, objects: readonly KubeObject[]): KubeObject | undefined {
  const [namespace, name] = path.split("/");
  return objects.find(
    ({ kind, metadata }) =>
      kind === "Service" && metadata.name === name && (metadata.namespace ?? "default") === namespace,
  );
}

/** A pod that stands behind a Service, as `namespace/name`, and the port it is reached at. */
export interface Backend {
  readonly pod: string;
  readonly port: number;
}

/** Whom the cluster's proxy could choose for `namespace/name` and that port. Throws USAGE if there is nobody. */
export function backendsOf(
  path: string,
  asked: { port: number | null; protocol: number },
  objects: readonly KubeObject[],
): readonly Backend[] {
  const [namespace] = path.split("/");
  const object = serviceNamed(path, objects);
  if (object === undefined) throw new SluiceError("USAGE", `there is no Service ${path}`);
  const { selector, ports } = specOf(service, object);
  const found = ports.find(({ port, protocol }) => port === asked.port && protocol === protocolName(asked.protocol));
  if (found === undefined) {
    const offered = ports.map(({ port, protocol }) => `${port}/${protocol}`).join(", ") || "none";
    throw new SluiceError(
      "USAGE",
      `Service ${path} has no port ${asked.port ?? ""}/${protocolName(asked.protocol)}; it has ${offered}`,
    );
  }
  const wanted = Object.entries(selector ?? {});
  const behind = objects.filter(
    (one) =>
      one.kind === "Pod" &&
      (one.metadata.namespace ?? "default") === namespace &&
      hasAddress(one) &&
      wanted.length > 0 &&
      wanted.every(([key, value]) => one.metadata.labels?.[key] === value),
  );
  if (behind.length === 0) throw new SluiceError("USAGE", `no pod stands behind Service ${path}`);
  return behind.map((one) => ({
    pod: `${namespace}/${one.metadata.name}`,
    port: portOf(found.targetPort ?? found.port, one),
  }));
}

function portOf(target: number | string, object: KubeObject): number {
  if (typeof target === "number") return target;
  const declared = specOf(pod, object).containers.flatMap(({ ports }) => ports ?? []);
  const found = declared.find(({ name }) => name === target);
  if (found === undefined)
    throw new SluiceError("USAGE", `pod ${object.metadata.name} declares no port named ${target}`);
  return found.containerPort;
}

const status = z.looseObject({ status: z.looseObject({ podIP: z.string().min(1), phase: z.string().optional() }) });

/** Proxies send nothing to a pod that has no address yet, or has ended. */
function hasAddress(object: KubeObject): boolean {
  const read = status.safeParse(object);
  return read.success && !["Succeeded", "Failed"].includes(read.data.status.phase ?? "");
}

function specOf<T>(schema: z.ZodType<T>, { kind, metadata, spec }: KubeObject): T {
  const read = schema.safeParse(spec ?? {});
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const field = ["spec", ...(issue?.path ?? [])].join(".");
  const message = `${kind} ${metadata.namespace ?? "default"}/${metadata.name}, ${field}: ${issue?.message ?? ""}`;
  throw new SluiceError("MANIFEST_INVALID", message);
}
