import assert from "node:assert/strict";
import { parseMessage } from "../../collectors/dns/message.ts";
import { knownNames } from "../../lab/known-names.ts";
import { planCluster } from "../../lab/plan.ts";
import { answerTo, queryFor } from "../../lab/traffic/dns.ts";
import { node, pod, service } from "./objects.ts";

const names = { "bank.example": ["203.0.113.10", "2001:db8:113::10"] };

describe("DNS of the lab", () => {
  const cases = [
    { asks: "Bank.Example", family: 4, rcode: 0, answers: ["203.0.113.10"] },
    { asks: "bank.example", family: 6, rcode: 0, answers: ["2001:db8:113::10"] },
    { asks: "toString", family: 4, rcode: 3, answers: [] },
  ] as const;
  for (const { asks, family, rcode, answers } of cases)
    it(`answers a query for ${asks}, IPv${family}, as the collector reads it`, () => {
      const query = queryFor(asks, family, 7);
      assert.equal(parseMessage(query, true).question.name, asks.toLowerCase());
      const answer = parseMessage(answerTo(query, names) ?? Buffer.alloc(0), true);
      assert.deepEqual([answer.id, answer.rcode, answer.answers.map(({ text }) => text)], [7, rcode, answers]);
    });

  it("leaves to echo what is no query", () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(48, "sluice lab "), answerTo(queryFor("a.b", 4, 1), names)])
      assert.equal(answerTo(bytes ?? Buffer.alloc(0), names), undefined);
  });

  it("knows Services and hosts outside", () => {
    const externals = [{ name: "bank", addresses: ["203.0.113.10"] }];
    const db = service("shop/db", {
      clusterIP: "10.96.0.5",
      selector: { app: "db" },
      ports: [{ port: 80, targetPort: 8080 }],
    });
    const objects = [node(1), pod("shop/db", { ips: ["10.244.1.5"] }), db];
    const known = knownNames(planCluster(objects, { name: "t", externals }));
    assert.deepEqual(known["bank.example"], ["203.0.113.10"]);
    assert.deepEqual(known["db.shop.svc.cluster.local"], ["10.96.0.5"]);
  });
});
