import { aborted } from "../core/aborted.ts";
import { type Answer, listen, parseListen, type Routes, text } from "../core/http.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Engine } from "./engine.ts";

/** What is asked about a process from outside. */
export interface Observed {
  readonly metrics: Metrics;
  readonly engine: Pick<Engine, "opened" | "ready">;
  /** As in the setting metrics.listen: an address and port, or `off`. */
  readonly address: string;
}

/**
 * Serves /metrics, /healthz (the process answers) and /readyz (every collector listens, every ruleset is in force) until the
 * signal aborts. It begins once the data folder is ours: of two processes the second is told about the folder, not about the port.
 */
export async function serveMetrics({ metrics, engine, address }: Observed, signal: AbortSignal): Promise<void> {
  const parsed = parseListen(address);
  await engine.opened(signal);
  if (parsed === undefined || signal.aborted) return;
  metrics.addProcess();
  const state = { ready: false };
  void engine.ready(signal).then(
    () => {
      state.ready = !signal.aborted;
    },
    () => {}, // whoever awaits `ready` as well tells of it
  );
  const listener = await listen({
    address: parsed,
    setting: "metrics.listen",
    routes: routesOf(metrics, state, signal),
  });
  await aborted(signal);
  await listener.close();
}

function routesOf(metrics: Metrics, state: { readonly ready: boolean }, signal: AbortSignal): Routes {
  return {
    "/metrics": async (): Promise<Answer> => ({ status: 200, type: metrics.contentType, body: await metrics.text() }),
    "/healthz": () => text(200, "ok"),
    "/readyz": () =>
      state.ready && !signal.aborted ? text(200, "ready") : text(503, signal.aborted ? "stopping" : "starting"),
  };
}
