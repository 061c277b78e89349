import assert from "node:assert/strict";
import { ruleTexts } from "../../../enforcer/tamper/listing.ts";
import { listChainCommand } from "../../../enforcer/text.ts";

/** As nft 1.0.6 prints it with -a. */
const printed = `table inet sluice { # handle 3
	chain egress_forward { # handle 1
		type filter hook forward priority -5; policy accept;
		ip saddr 10.9.9.9 accept # handle 21
		ip saddr 10.9.9.8 comment "# handle 7" drop # handle 22
	}
}
`;

describe("enforcer/tamper/listing", () => {
  it("finds the text of rules by their handles", () =>
    assert.deepEqual(
      [...ruleTexts(printed)],
      [
        [21, "ip saddr 10.9.9.9 accept"],
        [22, 'ip saddr 10.9.9.8 comment "# handle 7" drop'],
      ],
    ));

  for (const name of ["a; flush ruleset", "a b", "", 'a"', "$x", "a\nb", "@x"])
    it(`asks for no chain called ${JSON.stringify(name)}`, () =>
      assert.throws(() => listChainCommand(name), { code: "NFT_FAILED" }));

  it("asks for a chain by its name", () =>
    assert.equal(listChainCommand("Back-door.1"), "list chain inet sluice Back-door.1"));
});
