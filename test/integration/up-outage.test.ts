import assert from "node:assert/strict";
import { spoolFolder, spoolUsage } from "../../bin/spool-usage.ts";
import { systemClock } from "../../core/clock.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { needsServices, ownServices } from "../support/needs-services.ts";
import { until } from "../support/until.ts";
import { accountFor, assertNumbered } from "./account.ts";
import { UpLab } from "./up-lab.ts";

// Elasticsearch and Redis are named and are not there, from the beginning to the end.
const away = ["--elasticsearch.urls", "http://127.0.0.1:9"];
const quick = ["--collector.window-ms", "500", "--archive.flush-ms", "300", "--spool.sync-ms", "100"];

describe("sluice up over a bus that is away", function () {
  this.timeout(480_000); // a broker is started, killed and started again
  needsKernel("nft");
  needsServices("kafka");
  const services = ownServices("up-outage");
  let lab: UpLab;

  before(async () => {
    const { KAFKA_BROKERS: brokers = "" } = await services.up("kafka");
    await services.kill("kafka");
    const bus = ["--bus", "kafka", "--bus.brokers", brokers, "--bus.replicas", "1", "--bus.partitions", "2"];
    lab = new UpLab(...quick, ...bus, ...away);
    await lab.up();
  });
  after(async () => {
    await lab.down();
    await services.remove();
  });

  const spooled = () => spoolUsage(spoolFolder(lab.data, "router"))?.bytes ?? 0;

  /** Without the connections of `passes`, whose ports the kernel chose. */
  async function keptOfTraffic() {
    const { flows, ...rest } = await lab.kept();
    return { ...rest, flows: flows.filter(({ protocol, sourcePort }) => protocol !== 6 || sourcePort < 32_768) };
  }

  it("enforces and collects all the same, also from the start; everything arrives when Kafka is back, and after an end meanwhile", async () => {
    const run = lab.start();
    await lab.ready(run);
    assert.ok(lab.passes());
    lab.policy("Deny");
    await until("the policy to be in force", () => !lab.passes(), 20_000);
    lab.policy("Allow");
    await until("the policy to be withdrawn", () => lab.passes(), 20_000);
    const before = spooled();
    const stopTraffic = await lab.traffic();
    await until("the spool to take records", () => spooled() > before + 1_000, 30_000);

    await services.up("kafka", { keep: true });
    await until("records to arrive", async () => (await lab.kept()).flows.length > 0, 120_000);
    await services.kill("kafka");
    await systemClock.sleep(2_000);
    const begun = await stopTraffic();
    await systemClock.sleep(1_500);
    const asked = systemClock.now();
    run.process.kill("SIGTERM");
    assert.equal(await run.ended, 0, run.printed.err);
    const took = systemClock.now() - asked;
    assert.ok(took < 10_000, `ended after ${took} ms`);

    await services.up("kafka", { keep: true });
    const again = lab.start();
    await lab.ready(again);
    const isWhole = async () => {
      const kept = await keptOfTraffic();
      try {
        return accountFor(begun, kept).inLoss === 0;
      } catch {
        return false; // not yet; what is wrong is said below
      }
    };
    await until("everything to arrive", isWhole, 120_000).catch(() => {});
    again.process.kill("SIGTERM");
    assert.equal(await again.ended, 0, again.printed.err);
    const kept = await keptOfTraffic();
    assert.deepEqual(kept.losses, []);
    assertNumbered(await lab.kept());
    const { connections, stored } = accountFor(begun, kept);
    console.log(`      ${stored} of ${connections} connections stored`);
    assert.ok(stored > 20);
  });
});
