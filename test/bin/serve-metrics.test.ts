import assert from "node:assert/strict";
import { serveMetrics } from "../../bin/serve-metrics.ts";
import { listen } from "../../core/http.ts";
import { Metrics } from "../../core/metrics.ts";
import { until } from "../support/until.ts";

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const listener = await listen({ address: { host: "127.0.0.1", port: 0 }, routes: {}, setting: "test" });
  await listener.close();
  return listener.port;
}

describe("bin/serve-metrics", () => {
  it("tells that it is not ready, then ready, and serves metrics until it is asked to stop", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const ready = Promise.withResolvers<void>();
    const engine = { opened: () => Promise.resolve(), ready: () => ready.promise };
    const stop = new AbortController();
    const serving = serveMetrics({ metrics: new Metrics(), engine, address }, stop.signal);
    const get = (path: string) => fetch(`http://${address}${path}`).catch(() => undefined);
    const first = await until("an answer", () => get("/readyz"));
    assert.equal(first?.status, 503);
    assert.equal((await get("/healthz"))?.status, 200);
    ready.resolve();
    await until("ready", async () => (await get("/readyz"))?.status === 200);
    const metrics = await get("/metrics");
    assert.match(metrics?.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    const text = (await metrics?.text()) ?? "";
    assert.match(text, /# TYPE sluice_store_freshness_seconds histogram/);
    assert.match(text, /# TYPE process_cpu_seconds_total counter/);
    stop.abort();
    await serving;
    assert.equal(await get("/healthz"), undefined);
  });

  it("does not take the port before the data folder is ours", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const stop = new AbortController();
    const engine = {
      opened: (signal: AbortSignal) =>
        new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
      ready: () => Promise.resolve(),
    };
    const serving = serveMetrics({ metrics: new Metrics(), engine, address }, stop.signal);
    await assert.rejects(fetch(`http://${address}/healthz`));
    stop.abort();
    await serving;
  });

  it("off: serves nothing", async () => {
    const engine = { opened: () => Promise.resolve(), ready: () => Promise.resolve() };
    await serveMetrics({ metrics: new Metrics(), engine, address: "off" }, new AbortController().signal);
  });
});
