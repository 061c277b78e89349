import { writeFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { enterNamespace } from "../core/netlink/namespace.ts";
import type { Fault, Setting, Settings } from "./sysctl.ts";

// Ends at the first setting that the kernel refuses. Synchronous file access only: see enterNamespace.

function write({ name, value, optional }: Setting): Fault | undefined {
  try {
    writeFileSync(`/proc/sys/net/${name}`, value);
    return undefined;
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? String(thrown);
    return optional && code === "ENOENT" ? undefined : { name, code };
  }
}

function visit({ namespace, values }: Settings): Fault | undefined {
  enterNamespace(namespace);
  for (const setting of values) {
    const fault = write(setting);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

for (const settings of workerData as Settings[]) {
  const fault = visit(settings);
  if (fault === undefined) continue;
  parentPort?.postMessage(fault);
  break;
}
