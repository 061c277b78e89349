import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { enforceCommand } from "../../bin/commands/enforce.ts";
import { FakeRim, run } from "./fake-rim.ts";

const demo = fileURLToPath(new URL("../../lab/demo", import.meta.url));
const ask = async (...args: readonly string[]) => {
  const rim = new FakeRim();
  return { text: await run(enforceCommand, rim, ...args), code: rim.code, notes: rim.notes };
};

describe("bin/commands, sluice enforce render", function () {
  this.timeout(20_000);

  it("prints what replaces the table, with the policies and rules that ids stand for", async () => {
    const { text } = await ask("render", demo, "--node", "node-1");
    assert.match(
      text,
      /^# Node node-1, policy revision [0-9a-f]{16}: load it with nft -f\nadd table inet sluice\ndelete table /,
    );
    assert.match(
      text,
      /# chain block_[0-9a-f]+ \(GlobalNetworkPolicy security\.prod-not-from-dev\)\n# {3}\(tier security, GlobalNetworkPolicy security\.prod-not-from-dev, ingress rule 0: deny\)\nadd rule /,
    );
    assert.match(text, /# \(whom pcns\.env == "dev" selects\)\nadd set inet sluice pods4_/);
  });

  it("takes from the settings what pods may send to their own node", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-settings-"));
    after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "sluice.yaml"), "enforcer: { podToHost: deny }\n");
    const { text } = await ask("render", demo, "--node", "node-1", "--config", join(folder, "sluice.yaml"));
    assert.match(text, /# {3}\(tier __SETTING__, setting podToHost, ingress end of the tier: deny\)\nadd rule /);
    assert.doesNotMatch((await ask("render", demo, "--node", "node-1")).text, /podToHost/);
  });

  it("prints the model for programs", async () => {
    const model = JSON.parse((await ask("render", demo, "--node", "node-2", "-o", "json")).text) as {
      readonly node: string;
      readonly chains: readonly { readonly name: string; readonly base: { readonly hook: string } | null }[];
    };
    const bases = model.chains.filter(({ base }) => base !== null).map(({ name }) => name);
    assert.equal(model.node, "node-2");
    assert.ok(["egress_forward", "ingress_forward"].every((name) => bases.includes(name)));
  });

  it("has a comment in no line that does something, and no line without end", async () => {
    const { text } = await ask("render", demo, "--node", "node-1");
    for (const line of text.split("\n")) {
      assert.ok(line === "" || /^(#|add |delete table )/.test(line), line);
      assert.doesNotMatch(line, /\\$/);
    }
  });

  it("refuses a node that the objects do not know, naming those there are", async () => {
    await assert.rejects(
      ask("render", demo, "--node", "node-9"),
      /no Node "node-9" among the objects, there are node-1, node-2/,
    );
  });

  it("refuses a namespace by path", async () => {
    await assert.rejects(ask("verify", demo, "--namespace", "../x"), /--namespace \.\.\/x: write a name/);
  });
});
