import assert from "node:assert/strict";
import { Recorder } from "../../../collectors/recorder.ts";
import type { Address } from "../../../core/address.ts";
import { counted, entry } from "../entries.ts";

// The name of a flow's destination, as the recorder keeps it. Microseconds.
const second = 1_000_000;
const inWindow = 105 * second;
const first = { start: 100 * second, end: 110 * second, whole: true };
const then = { start: 110 * second, end: 120 * second, whole: true };
const started = { startedAt: inWindow };

interface Asked {
  readonly client: Address;
  readonly address: Address;
  readonly at: number;
}

/** A recorder in whose DNS everything is called by its place among what was asked for. */
function recorder(): { readonly recorder: Recorder; readonly asked: Asked[] } {
  const asked: Asked[] = [];
  const domainOf = (client: Address, address: Address, at: number) =>
    `n${asked.push({ client, address, at })}.example.com`;
  return { recorder: new Recorder({ epoch: 100 * second, interfaceName: () => null, domainOf }), asked };
}

describe("the name of a flow's destination", () => {
  it("is asked for once, by who opened the connection, what was written and when; later records have it too", () => {
    const { recorder: under, asked } = recorder();
    const opened = entry("new");
    under.entry(opened, inWindow);
    const dump = (packets: number) => {
      under.beginDump();
      under.entry(entry("dump", { ...started, ...counted(packets, packets * 100) }), inWindow);
      under.endDump(inWindow);
    };
    dump(1);
    const told = under.flush(first);
    dump(2);
    const again = under.flush(then);
    assert.deepEqual(
      [...told, ...again].map(({ destinationDomain }) => destinationDomain),
      ["n1.example.com", "n1.example.com"],
    );
    const { source, destination } = opened.original;
    assert.deepEqual(asked, [{ client: source, address: destination, at: inWindow }]);
  });

  it("is kept when another run goes on with the connection", () => {
    const { recorder: under } = recorder();
    under.entry(entry("new"), inWindow);
    under.flush(first);
    const next = recorder();
    const records = [...under.standing()].map((draft) => ({ cluster: "c", node: "n", epoch: 1, seq: 0, ...draft }));
    next.recorder.restore(records);
    next.recorder.entry(entry("destroy", { ...started, ...counted(5, 500) }), inWindow);
    assert.deepEqual(
      next.recorder.flush(then).map(({ destinationDomain }) => destinationDomain),
      ["n1.example.com"],
    );
    assert.deepEqual(next.asked, []);
  });
});
