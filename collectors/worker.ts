import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../core/clock.ts";
import { messageOf, SluiceError } from "../core/errors.ts";
import { Collection } from "./collection.ts";
import type { FromWorker, ToWorker, WorkerOptions } from "./worker-protocol.ts";

// The thread that collects in one network namespace. Synchronous file access only: see core/netlink/namespace.ts.

const port = parentPort as MessagePort;
/** What stands in frames is handed over, not copied. */
const post = (message: FromWorker) =>
  port.postMessage(message, message.kind === "records" ? [message.records.bytes.buffer] : []);
const stopping = new AbortController();
const collection = new Collection(workerData as WorkerOptions, systemClock, post);

port.on("message", (message: ToWorker) => {
  if (message.kind === "ack") collection.ack(message.batch, message.memory);
  else stopping.abort();
});

try {
  await collection.run(stopping.signal);
} catch (thrown) {
  post({ kind: "failed", code: thrown instanceof SluiceError ? thrown.code : null, message: messageOf(thrown) });
}
port.close();
