import assert from "node:assert/strict";
import { chaos } from "../chaos/chaos.ts";
import { isBalanced, ledgerText } from "../chaos/ledger.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { needsServices, ownServices } from "../support/needs-services.ts";

/** Long enough for a dozen faults; `npm run chaos` has them all, as long as one says. */
const durationMs = 45_000;

describe("chaos", function () {
  this.timeout(600_000); // two services and eight processes that are killed again and again, on a machine that may be busy
  needsKernel("nft");
  needsServices("kafka", "elasticsearch");

  it("leaves every connection in both stores once, or in a record of what was lost", async () => {
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    const { accounts, indices } = await chaos({ services: ownServices("chaos"), durationMs, seed: 11, rate: 40, say });
    const text = `${ledgerText(accounts)}\n${said.join("\n")}`;
    assert.ok(accounts.every(isBalanced), text);
    for (const { once, made, node } of accounts) assert.ok(once > made / 2, `too little of ${node} was seen\n${text}`);
    assert.ok(indices > 1, "no index ended meanwhile");
  });
});
