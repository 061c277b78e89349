import assert from "node:assert/strict";
import { Output } from "../../../sinks/live/output.ts";
import { coloured, paintFor, plain } from "../../../sinks/live/paint.ts";
import { bytesText, clean, countText, cutEnd, cutMiddle } from "../../../sinks/live/text.ts";
import { FakeStream } from "../../support/text-stream.ts";

describe("sinks/live/output", () => {
  for (const { title, code } of [
    { title: "a reader that has gone", code: "EPIPE" },
    { title: "a full disk", code: "ENOSPC" },
  ])
    it(`${title} ends it quietly and says so`, async () => {
      const stream = new FakeStream();
      const output = new Output(stream);
      await output.write("one");
      assert.equal(output.closed.aborted, false);
      stream.failWith(code);
      await output.write("two");
      stream.failure = null;
      await output.write("three");
      assert.deepEqual([stream.text, output.closed.aborted], ["one", true]);
    });
});

describe("sinks/live/paint", () => {
  const cases = [
    { title: "a terminal has colour", terminal: true, environment: { TERM: "xterm" }, paint: coloured },
    { title: "a pipe has none", terminal: false, environment: { TERM: "xterm" }, paint: plain },
    { title: "NO_COLOR turns it off", terminal: true, environment: { NO_COLOR: "1" }, paint: plain },
    { title: "an empty NO_COLOR does not count", terminal: true, environment: { NO_COLOR: "" }, paint: coloured },
    { title: "a dumb terminal has none", terminal: true, environment: { TERM: "dumb" }, paint: plain },
  ];
  for (const { title, terminal, environment, paint } of cases)
    it(title, () => assert.equal(paintFor(terminal, environment), paint));
});

describe("sinks/live/text", () => {
  const bytes: readonly (readonly [number, string])[] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [9940, "9.9 kB"],
    [9960, "10 kB"],
    [999_499, "999 kB"],
    [999_500, "1.0 MB"],
    [12_345_678, "12 MB"],
    [Number.MAX_SAFE_INTEGER, "9.0 PB"],
  ];
  for (const [value, text] of bytes) it(`${value} bytes are ${text}`, () => assert.equal(bytesText(value), text));

  it("counts have five characters at most", () =>
    assert.deepEqual([7, 1234, 99_999, 1_500_000].map(countText), ["7", "1.2k", "100k", "1.5M"]));

  it("cuts in the middle and at the end to exactly the width", () =>
    assert.deepEqual(
      [cutMiddle("abcdefghij", 5), cutMiddle("abc", 3), cutEnd("abcdef", 4), cutMiddle("abcdef", 2)],
      ["ab…ij", "abc", "abc…", "ab"],
    ));

  it("writes what is not printable ASCII as escapes", () =>
    assert.equal(clean("a\u0000\x1b\u0085é\u202e😀"), "a\\x00\\x1b\\x85\\xe9\\u{202e}\\u{1f600}"));
});
