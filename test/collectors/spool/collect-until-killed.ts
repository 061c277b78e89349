// Collects with a spool and writes what is handed out to a file, a record a line; acks what is written. To be killed at
// any moment; SIGTERM ends it in order.   collect-until-killed.ts NAMESPACE-PATH SPOOL-FOLDER FILE
import { openSync, writeSync } from "node:fs";
import { Collector } from "../../../collectors/collector.ts";
import { silentLog } from "../../../core/log.ts";
import type { Source } from "../../../core/pipeline.ts";

const [namespacePath = "", folder = "", file = ""] = process.argv.slice(2);
const out = openSync(file, "a");
const collector = new Collector({
  node: "router",
  cluster: "test",
  namespacePath,
  windowMs: 250,
  log: silentLog,
  spool: { folder, maxBytes: 64 * 1024 * 1024, maxAgeMs: 86_400_000, syncMs: 100 },
});
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

async function write<T>(kind: string, source: Source<T>): Promise<void> {
  for await (const { items, ack } of source.open(new AbortController().signal)) {
    // The newline comes first: a line that an earlier life left unfinished is then a line of its own.
    writeSync(out, items.map((record) => `\n${JSON.stringify({ kind, ...record })}`).join(""));
    await ack();
  }
}

void collector.ready.then(() => console.log("ready"));
await Promise.all([
  collector.run(stop.signal),
  write("flow", collector.flows),
  write("loss", collector.losses),
  write("heartbeat", collector.heartbeats),
]);
