import { parentPort } from "node:worker_threads";
import type { Packet } from "../../../policy/verdict.ts";
import { Fleet, type Sighting } from "./fleet.ts";
import type { Layout } from "./layout.ts";

// A thread that enters the namespaces of the nodes, one after the other. Synchronous calls only: see enterNamespace.

export type Request =
  | { readonly id: number; readonly lay: Layout; readonly paths: readonly string[] }
  | { readonly id: number; readonly send: readonly Packet[]; readonly tracked: boolean };

export type Answer =
  | { readonly id: number; readonly sightings: readonly Sighting[] }
  | { readonly id: number; readonly fault: Error };

const fleet = new Fleet();

function answer(request: Request): readonly Sighting[] {
  if ("send" in request) return fleet.send(request.send, request.tracked);
  fleet.lay(request.lay, request.paths);
  return [];
}

parentPort?.on("message", (request: Request) => {
  try {
    parentPort?.postMessage({ id: request.id, sightings: answer(request) } satisfies Answer);
  } catch (thrown) {
    const fault = thrown instanceof Error ? thrown : new Error(String(thrown));
    parentPort?.postMessage({ id: request.id, fault } satisfies Answer);
  }
});
