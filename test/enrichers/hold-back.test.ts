import assert from "node:assert/strict";
import { type Address, parseAddress } from "../../core/address.ts";
import type { Delivery, Source } from "../../core/pipeline.ts";
import type { RawFlow } from "../../core/records/flow.ts";
import { holdBack } from "../../enrichers/hold-back.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { rawFlow, seconds } from "../support/flows.ts";

const known = "10.1.0.5";
const fresh = "10.2.0.7";
const other = "10.2.0.8";

interface Case {
  readonly title: string;
  /** Source addresses of each delivery's records. */
  readonly deliveries: readonly (readonly string[])[];
  readonly flow?: Partial<RawFlow>;
  /** When which address becomes known, milliseconds after the start. */
  readonly learned?: Readonly<Record<string, number>>;
  /** When each delivery comes out, milliseconds after the start. */
  readonly out: readonly number[];
}

const cases: readonly Case[] = [
  { title: "records of known addresses pass at once", deliveries: [[known], [known]], out: [0, 0] },
  {
    title: "a record of a fresh address waits until its owner is known",
    deliveries: [[known, fresh]],
    learned: { [fresh]: 1200 },
    out: [1200],
  },
  {
    title: "deliveries behind it wait too and keep their order",
    deliveries: [[fresh], [known], [known]],
    learned: { [fresh]: 700 },
    out: [700, 700, 700],
  },
  { title: "after five seconds it passes unknown", deliveries: [[fresh]], out: [5000] },
  {
    title: "many unknown addresses delay by five seconds, not each",
    deliveries: [[fresh], [other]],
    out: [5000, 5000],
  },
  { title: "an address awaited in vain is not awaited again", deliveries: [[fresh], [fresh]], out: [5000, 5000] },
  {
    title: "a record that is already late waits only for what is left of its time",
    deliveries: [[fresh]],
    flow: { start: seconds(-4), end: seconds(-3), startedAt: seconds(-4) },
    out: [2000],
  },
  {
    title: "a record of a backlog does not wait",
    deliveries: [[fresh]],
    flow: { start: seconds(-61), end: seconds(-60), startedAt: seconds(-61) },
    out: [0],
  },
  {
    title: "a clock that runs ahead does not make it wait longer",
    deliveries: [[fresh]],
    flow: { start: seconds(3599), end: seconds(3600), startedAt: seconds(3599) },
    out: [5000],
  },
  {
    title: "an old connection does not wait",
    deliveries: [[fresh]],
    flow: { startedAt: seconds(-61) },
    out: [0],
  },
];

describe("enrichers/hold-back", () => {
  for (const { title, deliveries, flow, learned = {}, out } of cases) {
    it(title, async () => {
      const clock = new FakeClock();
      const begun = clock.now();
      const awaited = (record: RawFlow) =>
        [record.sourceAddress].filter((ip) => ip !== known && clock.now() - begun < (learned[ip] ?? 1e9));
      const seen: number[] = [];
      const held = holdBack(sourceOf(deliveries, flow), { clock, awaited });
      const pulling = (async () => {
        for await (const _ of held.open(new AbortController().signal)) seen.push(clock.now() - begun);
      })();
      await settled();
      for (let ms = 0; ms < 12_000 && seen.length < out.length; ms += 50) await clock.advance(50);
      await pulling;
      assert.deepEqual(seen, out);
    });
  }

  it("hands out the source's own deliveries, so that an ack reaches it", async () => {
    const acked: string[] = [];
    const source = sourceOf([[known], [known]], {}, (n) => acked.push(`ack ${n}`));
    const held = holdBack(source, { clock: new FakeClock(), awaited: () => [] });
    for await (const delivery of held.open(new AbortController().signal)) await delivery.ack();
    assert.deepEqual(acked, ["ack 0", "ack 1"]);
  });

  it("is not pulled further while it holds back", async () => {
    const clock = new FakeClock();
    let pulled = 0;
    const source: Source<RawFlow> = {
      name: "counting",
      async *open(signal) {
        while (!signal.aborted) {
          pulled++;
          await Promise.resolve();
          yield deliveryOf([rawFlow()], () => {});
        }
      },
    };
    const abort = new AbortController();
    const held = holdBack(source, { clock, awaited: () => [parseAddress(fresh)] });
    const pulling = (async () => {
      for await (const _ of held.open(abort.signal));
    })();
    await clock.advance(1000);
    assert.equal(pulled, 1);
    abort.abort();
    await pulling;
  });

  it("an abort ends the waiting", async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const held = holdBack(sourceOf([[fresh]]), { clock, awaited: () => [parseAddress(fresh)] });
    const next = held.open(abort.signal)[Symbol.asyncIterator]().next();
    await clock.advance(100);
    abort.abort();
    assert.equal((await next).done, false);
  });

  it("an address that stopped coming for a minute is awaited again", async () => {
    const clock = new FakeClock();
    const ages: number[] = [];
    const address: Address = parseAddress(fresh);
    const source: Source<RawFlow> = {
      name: "twice",
      async *open() {
        yield deliveryOf([rawFlow()], () => {});
        await clock.sleep(61_000);
        const [start, end] = [clock.now() * 1000, clock.now() * 1000];
        yield deliveryOf([rawFlow({ start, end, startedAt: start })], () => {});
      },
    };
    const held = holdBack(source, { clock, awaited: () => [address] });
    const begun = clock.now();
    const pulling = (async () => {
      for await (const _ of held.open(new AbortController().signal)) ages.push(clock.now() - begun);
    })();
    await settled();
    await clock.advance(80_000);
    await pulling;
    assert.deepEqual(ages, [5000, 71_000]);
  });
});

function sourceOf(
  deliveries: readonly (readonly string[])[],
  parts: Partial<RawFlow> = {},
  ack: (n: number) => void = () => {},
): Source<RawFlow> {
  return {
    name: "table",
    async *open() {
      for (const [n, addresses] of deliveries.entries()) {
        await Promise.resolve();
        const end = parts.end ?? seconds(0);
        const flows = addresses.map((ip) => rawFlow({ sourceAddress: parseAddress(ip), end, ...parts }));
        yield deliveryOf(flows, () => ack(n));
      }
    },
  };
}

function deliveryOf(items: readonly RawFlow[], acked: () => void): Delivery<RawFlow> {
  const settle = () => {
    acked();
    return Promise.resolve();
  };
  return { items, ack: settle, nack: () => Promise.resolve() };
}
