import assert from "node:assert/strict";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workingObjects } from "../../deploy/objects/installation.ts";
import { valuesOf } from "../../deploy/objects/values.ts";
import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";

const settings = "/proc/sys/net/netfilter";
const tracking = "add table inet t; add chain inet t c; add rule inet t c ct state new";

describe("the init container of a node", () => {
  needsKernel("nft");
  const folder = mkdtempSync(join(tmpdir(), "sluice-sysctls-"));
  let namespace = "";
  before(() => {
    namespace = makeNamespace("sysctls");
  });
  after(() => {
    deleteNamespace(namespace);
    rmdirSync(folder);
  });

  it("switches on what conntrack must count, where /proc/sys is read-only, as root without a capability", () => {
    const [program = "", ...args] = command().map((word) => word.replaceAll("/node/", `${folder}/`));
    const container = "setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs";
    const script = `set -e
      nft '${tracking}'
      mount --bind ${settings} ${folder}
      mount --bind /proc/sys /proc/sys
      mount -o remount,ro,bind /proc/sys
      ! (echo 1 >${settings}/nf_conntrack_acct) 2>/dev/null
      ${container} ${program} ${args.map((word) => `'${word}'`).join(" ")}
      cat ${settings}/nf_conntrack_acct ${settings}/nf_conntrack_timestamp`;
    // A command in a network namespace has mounts of its own, too.
    assert.equal(runIn(namespace, "sh", "-c", script), "1\n1\n");
  });
});

function command(): readonly string[] {
  const node = workingObjects(valuesOf("0.0.0", {}), "n").find(({ kind }) => kind === "DaemonSet");
  const spec = node?.["spec"] as { readonly template: { readonly spec: PodSpec } } | undefined;
  return spec?.template.spec.initContainers[0]?.command ?? [];
}

interface PodSpec {
  readonly initContainers: readonly { readonly command: readonly string[] }[];
}
