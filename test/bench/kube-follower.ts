// Follows an API server into a World, as `sluice up` does, or only follows it, and tells its parent what that took (kube.bench.ts).
import { readFileSync } from "node:fs";
import { openObjects } from "../../bin/objects/open-objects.ts";
import { systemClock } from "../../core/clock.ts";
import { parseConfig } from "../../core/config.ts";
import { keepHeapLean } from "../../core/lean-heap.ts";
import { stderrLog } from "../../core/log.ts";
import { Metrics } from "../../core/metrics.ts";
import { World } from "../../policy/world.ts";
import { fingerprintOf } from "./world-fingerprint.ts";

/** What it tells once all objects are in the World. */
export interface FollowerSynced {
  readonly type: "synced";
  readonly objects: number;
  readonly elapsedMs: number;
  readonly cpuMs: number;
  /** Memory of the process beyond what it had before it asked the server, MiB: the most, and by then. */
  readonly peakMib: number;
  readonly nowMib: number;
}

export interface FollowerFingerprint {
  readonly type: "fingerprint";
  readonly fingerprint: string;
  readonly peakMib: number;
}

keepHeapLean();
const [kubeconfig = "", use] = process.argv.slice(2);
const config = parseConfig({ flags: { "objects.source": "api", "objects.kubeconfig": kubeconfig }, env: {} });
const world = new World();
const source = openObjects({ config, clock: systemClock, log: stderrLog("error"), metrics: new Metrics() });

function memoryMib(field: "VmHWM" | "VmRSS"): number {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return Number(kib) / 1024;
}

process.on("message", () => {
  process.send?.({ type: "fingerprint", fingerprint: fingerprintOf(world), peakMib: memoryMib("VmHWM") - before });
});
process.on("disconnect", () => process.exit());

const before = memoryMib("VmRSS");
const [begun, cpu] = [systemClock.monotonic(), process.cpuUsage()];
for await (const changes of source.watch(new AbortController().signal)) {
  if (use === "world") {
    world.apply(changes);
    world.program();
  }
  if (changes.at(-1)?.type !== "synced") continue;
  const { user, system } = process.cpuUsage(cpu);
  process.send?.({
    type: "synced",
    objects: changes.length - 1,
    elapsedMs: systemClock.monotonic() - begun,
    cpuMs: (user + system) / 1000,
    peakMib: memoryMib("VmHWM") - before,
    nowMib: memoryMib("VmRSS") - before,
  });
}
