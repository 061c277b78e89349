import assert from "node:assert/strict";
import fc from "fast-check";
import { Names } from "../../../collectors/dns/names.ts";
import { parseAddress } from "../../../core/address.ts";

const client = parseAddress("10.1.0.5");
const other = parseAddress("10.1.0.6");
const address = parseAddress("203.0.113.7");
const second = 1_000_000;
const names = (over: object = {}) => new Names({ limit: 1000, limitPerClient: 100, extraUs: 0, ...over });
const told = (name: string, at: number, over: object = {}) => ({
  client,
  address,
  name,
  at: at * second,
  ttl: 10,
  ...over,
});

describe("the name for which a client has an address", () => {
  const cases = [
    { title: "is the one it asked for", learned: [told("a", 1)], at: 5, is: "a" },
    { title: "is none before it asked", learned: [told("a", 5)], at: 1, is: null },
    { title: "is none when its TTL is over", learned: [told("a", 1)], at: 12, is: null },
    { title: "is used for longer by setting", learned: [told("a", 1)], at: 12, is: "a", extraUs: 5 * second },
    { title: "is not what another client asked for", learned: [told("a", 1, { client: other })], at: 5, is: null },
    { title: "is the last one it asked for", learned: [told("a", 1), told("b", 3)], at: 5, is: "b" },
    {
      title: "is the earlier one of a connection that began earlier",
      learned: [told("a", 1), told("b", 3)],
      at: 2,
      is: "a",
    },
    {
      title: "is the earlier one where the last is over",
      learned: [told("a", 1, { ttl: 100 }), told("b", 3)],
      at: 50,
      is: "a",
    },
    { title: "stays when it is told again", learned: [told("a", 1), told("a", 9)], at: 2, is: "a" },
    {
      title: "does not reach back over a time when it was not valid",
      learned: [told("a", 1), told("a", 30)],
      at: 20,
      is: null,
    },
    { title: "of an answer without TTL is for that moment", learned: [told("a", 1, { ttl: 0 })], at: 1, is: "a" },
  ];
  for (const { title, learned, at, is, extraUs = 0 } of cases)
    it(title, () => {
      const of = names({ extraUs });
      for (const one of learned) of.learn(one);
      assert.equal(of.nameOf(client, address, at * second), is);
    });

  it("is forgotten first of the client that asks for too much", () => {
    const of = names({ limitPerClient: 3 });
    of.learn(told("quiet", 1, { client: other }));
    for (let i = 0; i < 10; i++) of.learn(told(`n${i}`, 2, { address: parseAddress(`203.0.113.${i}`) }));
    assert.equal(of.nameOf(other, address, 3 * second), "quiet");
    assert.equal(of.nameOf(client, parseAddress("203.0.113.6"), 3 * second), null);
    assert.equal(of.nameOf(client, parseAddress("203.0.113.7"), 3 * second), "n7");
    assert.equal(of.takeForgotten(), 7);
    assert.equal(of.takeForgotten(), 0);
  });

  it("is never of more addresses than the limit, and what is forgotten is counted", () => {
    const step = fc.record({
      client: fc.nat(5),
      address: fc.nat(40),
      at: fc.nat(100),
      ttl: fc.nat(50),
      expire: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const of = names({ limit: 20, limitPerClient: 8 });
        const different = new Set<string>();
        let now = 0;
        let forgotten = 0;
        for (const { client: c, address: a, at, ttl, expire } of steps) {
          now += at * second;
          of.learn({
            client: parseAddress(`10.0.0.${c}`),
            address: parseAddress(`10.1.0.${a}`),
            name: `n${a}`,
            at: now,
            ttl,
          });
          different.add(`${c} ${a}`);
          if (expire) of.expire(now);
          assert.ok(of.size <= 20);
          forgotten += of.takeForgotten();
        }
        assert.ok(of.size <= different.size);
        assert.ok(forgotten <= steps.length);
        of.expire(Number.MAX_SAFE_INTEGER);
        assert.equal(of.size, 0);
      }),
    );
  });
});
