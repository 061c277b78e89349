import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { enforceCommand } from "../../bin/commands/enforce.ts";
import { FakeRim, run } from "../bin/fake-rim.ts";
import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";

const demo = fileURLToPath(new URL("../../lab/demo", import.meta.url));

describe("sluice enforce on this machine's kernel", function () {
  this.timeout(60_000);
  needsKernel("nft");
  let name = "";
  before(() => {
    name = makeNamespace("enforce");
  });
  after(() => {
    if (name !== "") deleteNamespace(name);
  });
  const ask = async (...args: readonly string[]) => {
    const rim = new FakeRim();
    const text = await run(enforceCommand, rim, ...args, "--node", "node-1", "--namespace", name);
    return { text, code: rim.code };
  };
  const load = async () => {
    const { text } = await ask("render", demo);
    execFileSync("ip", ["netns", "exec", name, "nft", "-f", "-"], { input: text });
  };

  it("check asks the kernel and changes nothing", async () => {
    const { text, code } = await ask("check", demo);
    assert.match(text, /^✓ the kernel accepts the rules of node node-1, .* nothing was changed\n$/);
    assert.deepEqual([code, runIn(name, "nft", "list", "ruleset")], [0, ""]);
  });

  it("verify says that nothing is enforced where there is no table", async () => {
    const { text, code } = await ask("verify", demo);
    assert.match(text, /^✗ there is no table "inet sluice": nothing is enforced here; .*\n$/);
    assert.equal(code, 3);
  });

  it("verify finds in sync what was printed and loaded by nft itself", async () => {
    await load();
    const { text, code } = await ask("verify", demo);
    assert.match(
      text,
      /^✓ node-1 is in sync with policy revision [0-9a-f]{16}: 3\d\d rules, \d+ sets, \d+ elements, compared in /,
    );
    assert.equal(code, 0);
  });

  it("verify shows a rule that was changed by hand, with the policy that it belongs to", async () => {
    await load();
    const listed = runIn(name, "nft", "-a", "list", "table", "inet", "sluice");
    const [, chain = ""] = /chain (block_[0-9a-f]+) \{[^}]*r_[0-9a-f]{16}/.exec(listed) ?? [];
    const [, handle = ""] = new RegExp(`chain ${chain} \\{[^\\n]*\\n[^\\n]*# handle (\\d+)`).exec(listed) ?? [];
    runIn(name, "nft", `replace rule inet sluice ${chain} handle ${handle} counter accept`);
    const { text, code } = await ask("verify", demo);
    const lines = text.split("\n").filter((line) => /^ {4}[-+]/.test(line));
    assert.equal(lines.length, 2);
    assert.match(text, new RegExp(`^~ chain ${chain} {2}\\([A-Za-z]*NetworkPolicy `, "m"));
    assert.match(lines[0] ?? "", /^ {4}- counter accept$/);
    assert.match(
      lines[1] ?? "",
      /^ {4}\+ .* {3}# tier [a-z]+, [A-Za-z]*NetworkPolicy .* ingress rule 0: (allow|deny)$/,
    );
    assert.equal(code, 3);
  });

  it("diff tells for programs what would change", async () => {
    await load();
    runIn(name, "nft", "flush set inet sluice multicast6");
    const { text, code } = await ask("diff", demo, "-o", "json");
    const { inSync, differences, counts } = JSON.parse(text) as {
      readonly inSync: boolean;
      readonly counts: object;
      readonly differences: readonly { readonly object: string; readonly lines: readonly object[] }[];
    };
    assert.deepEqual([inSync, code, differences.map(({ object }) => object)], [false, 3, ["set multicast6"]]);
    assert.deepEqual(differences[0]?.lines, [{ sign: "+", words: "ff00::/8", at: null, rule: null }]);
    assert.deepEqual(counts, {
      objects: { missing: 0, foreign: 0, changed: 1 },
      rules: { missing: 0, foreign: 0 },
      elements: { missing: 1, foreign: 0 },
    });
  });

  it("says what is missing where there are no rights", function () {
    const program = fileURLToPath(new URL("../../bin/sluice.ts", import.meta.url));
    const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, program];
    const { status, stderr } = spawnSync("setpriv", [...nobody, "enforce", "check", demo, "--node", "node-1"], {
      encoding: "utf8",
    });
    // Where others may not read the sources, the program does not start as nobody.
    if (/EACCES|Cannot find module/.test(stderr)) this.skip();
    assert.match(stderr, /CAP_NET_ADMIN and CAP_SYS_ADMIN is missing: run as root/);
    assert.equal(status, 1);
  });
});
