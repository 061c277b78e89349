import assert from "node:assert/strict";
import { ownKinds } from "../../../bin/controls/own-kinds.ts";
import { silentLog } from "../../../core/log.ts";
import { ownLabels } from "../../../policy/crd.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { until } from "../../support/until.ts";

const kind = (labels?: Readonly<Record<string, string>>) => ({
  items: [{ metadata: { name: "tiers.projectcalico.org", ...(labels && { labels }) } }],
});
const ours = kind({ ...ownLabels, more: "a" });

describe("bin/controls/own-kinds", () => {
  const cases: readonly { title: string; answer: () => object }[] = [
    { title: "there is no such kind", answer: () => ({ items: null }) },
    { title: "it is of somebody else", answer: () => kind() },
    { title: "somebody else has labels of its own", answer: () => kind({ "app.kubernetes.io/name": "calico" }) },
    {
      title: "nobody answers",
      answer: () => {
        throw new Error("away");
      },
    },
  ];
  for (const { title, answer } of cases)
    it(`waits as long as ${title}`, async () => {
      const clock = new FakeClock();
      let now = answer;
      const api = { get: () => Promise.resolve().then(() => now()) };
      const found = ownKinds({ api, clock, log: silentLog }, new AbortController().signal);
      await until("it to wait", () => clock.sleeping > 0);
      now = () => ours;
      await clock.advance(10_000);
      assert.equal(await found, true);
    });

  it("ends when it is stopped", async () => {
    const [clock, stop] = [new FakeClock(), new AbortController()];
    const found = ownKinds({ api: { get: () => Promise.resolve(kind()) }, clock, log: silentLog }, stop.signal);
    await until("it to wait", () => clock.sleeping > 0);
    stop.abort();
    assert.equal(await found, false);
  });
});
