import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { SluiceError } from "../../core/errors.ts";
import { silentLog } from "../../core/log.ts";
import { KeptFile } from "../../enforcer/kept-file.ts";
import { type KeptRuleset, KeptRulesetWriter, parseKeptRuleset } from "../../enforcer/kept-ruleset.ts";
import { emptyRuleset, type Ruleset } from "../../enforcer/ruleset.ts";
import { textHash } from "../../policy/hash.ts";
import { arbitraryProgram } from "../support/arbitrary-program.ts";
import { FakeClock, settled } from "../support/fake-clock.ts";
import { rulesetOf } from "../support/render-all.ts";
import { until } from "../support/until.ts";

const isRefusal = (thrown: SluiceError) => thrown.code === "LAST_GOOD_INVALID";
const arbitraryRuleset = arbitraryProgram.map((builder) => rulesetOf(builder.program(), builder.placement(), "a"));
const kept = (ruleset: Ruleset, revision: string | null = "abc"): KeptRuleset => ({ node: "a", revision, ruleset });
const textOf = (ruleset: Ruleset) => new KeptRulesetWriter().text(kept(ruleset));

/** A text whose hash is right, whatever it holds. */
function sealed(body: string, header: object = {}): string {
  const first = { format: "sluice ruleset 1", node: "a", revision: "abc", hash: textHash(body), ...header };
  return `${JSON.stringify(first)}\n${body}\n`;
}

describe("a ruleset as a text", () => {
  it("comes back as it was, also from a writer that has written others", () => {
    const writer = new KeptRulesetWriter();
    const property = fc.property(arbitraryRuleset, (ruleset) => {
      assert.deepEqual(parseKeptRuleset(writer.text(kept(ruleset)), "a"), kept(ruleset));
      assert.equal(writer.text(kept(ruleset)), textOf(ruleset));
    });
    fc.assert(property);
  });

  it("is refused, cut at any place or with any byte another one", () => {
    const text = textOf(fc.sample(arbitraryRuleset, { numRuns: 1, seed: 3 })[0] as Ruleset);
    const property = fc.property(fc.nat(text.length - 2), fc.boolean(), (at, cut) => {
      const damaged = cut
        ? text.slice(0, at)
        : `${text.slice(0, at)}${text[at] === "0" ? "1" : "0"}${text.slice(at + 1)}`;
      // The revision stands in the header, which has no hash: another one is harmless, it is only told.
      fc.pre(!/"revision":"[0-9a-f]*$/.test(text.slice(0, at)));
      assert.throws(() => parseKeptRuleset(damaged, "a"), isRefusal);
    });
    fc.assert(property, { numRuns: 500 });
  });

  const chain = (rule: object) =>
    `{"sets":{"map":[]},"maps":{"map":[]},"counters":{"set":[]},"chains":{"map":[["c",{"name":"c","base":null,"rules":[${JSON.stringify(rule)}]}]]}}`;
  for (const { title, text } of [
    {
      title: "of another node",
      text: sealed('{"sets":{"map":[]},"maps":{"map":[]},"counters":{"set":[]},"chains":{"map":[]}}', { node: "b" }),
    },
    { title: "of another format", text: sealed("{}", { format: "sluice ruleset 9" }) },
    { title: "without chains", text: sealed('{"sets":{"map":[]},"maps":{"map":[]}}') },
    {
      title: "whose chains are no map",
      text: sealed('{"sets":{"map":[]},"maps":{"map":[]},"counters":{"set":[]},"chains":[]}'),
    },
    { title: "with a statement that nobody knows", text: sealed(chain({ when: [], statements: [{ do: "explode" }] })) },
    { title: "with a jump to nowhere in particular", text: sealed(chain({ when: [], statements: [{ do: "jump" }] })) },
    {
      title: "with a name that ends a command",
      text: sealed(chain({ when: [], statements: [{ do: "jump", to: "a; flush ruleset" }] })),
    },
    {
      title: "with an element that ends a command",
      text: sealed(
        '{"sets":{"map":[["s",{"name":"s","type":["ipv4_addr"],"flag":null,"elements":{"set":["10.0.0.1 }\\nflush ruleset"]}}]]},"maps":{"map":[]},"counters":{"set":[]},"chains":{"map":[]}}',
      ),
    },
    { title: "that is no JSON", text: sealed("{") },
    { title: "that is empty", text: "" },
  ])
    it(`is refused ${title}`, () => assert.throws(() => parseKeptRuleset(text, "a"), isRefusal));
});

describe("a ruleset on disk", () => {
  let folder = "";
  const stop = new AbortController();
  const clock = new FakeClock();
  const file = () => new KeptFile({ folder: join(folder, "enforcer"), node: "a", clock, log: silentLog });
  const path = () => join(folder, "enforcer", "a.ruleset");
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-kept-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function written(...rulesets: readonly KeptRuleset[]): Promise<KeptFile> {
    const [keeping, one] = [file(), new AbortController()];
    const running = keeping.run(one.signal);
    for (const ruleset of rulesets) keeping.keep(() => ruleset);
    one.abort();
    await running;
    return keeping;
  }

  it("is what was applied last, for us alone, with nothing else left in the folder", async () => {
    const [first, last] = [kept(emptyRuleset, "1"), kept(emptyRuleset, "2")];
    await written(first, last);
    assert.deepEqual(await file().load(), last);
    assert.equal((await stat(path())).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(join(folder, "enforcer")), ["a.ruleset"]);
  });

  it("is none before anything was kept", async () => assert.equal(await file().load(), undefined));

  it("is not settled while base chains may be others, and is again once they are written", async () => {
    const keeping = file();
    const running = keeping.run(stop.signal);
    await keeping.unsettle();
    assert.equal(await file().isSettled(), false);
    keeping.keep(() => kept(emptyRuleset));
    await until("the marker to go", () => file().isSettled());
    stop.abort();
    await running;
  });

  it("is written at most every two seconds, however often it changes", async () => {
    const [keeping, one] = [file(), new AbortController()];
    const running = keeping.run(one.signal);
    keeping.keep(() => kept(emptyRuleset, "1"));
    await until("the first", async () => (await file().load())?.revision === "1");
    for (const revision of ["2", "3"]) keeping.keep(() => kept(emptyRuleset, revision));
    await until("the pause", () => clock.sleeping > 0);
    await clock.advance(1_900);
    assert.equal((await file().load())?.revision, "1");
    await clock.advance(200);
    await until("the newest", async () => (await file().load())?.revision === "3");
    one.abort();
    await settled();
    await running;
  });

  for (const { title, spoil } of [
    { title: "that others may write to", spoil: () => chmod(path(), 0o666) },
    {
      title: "that is a link",
      spoil: async () => {
        await writeFile(join(folder, "other"), "");
        await rm(path());
        await symlink(join(folder, "other"), path());
      },
    },
  ])
    it(`is refused if it is a file ${title}`, async () => {
      await written(kept(emptyRuleset));
      await spoil();
      await assert.rejects(file().load(), isRefusal);
    });
});
