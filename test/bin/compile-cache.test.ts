import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownFolder } from "../../bin/compile-cache.ts";

describe("the folder of compiled modules", () => {
  let home = "";

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "sluice-home-"));
  });

  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it("is made in the home of whoever runs us", () => {
    assert.equal(
      ownFolder(() => home),
      join(home, ".cache/sluice/compiled"),
    );
  });

  for (const place of ["", ".cache", ".cache/sluice", ".cache/sluice/compiled"])
    it(`is not used where others may write to ${place === "" ? "the home itself" : place}`, () => {
      mkdirSync(join(home, ".cache/sluice/compiled"), { recursive: true });
      chmodSync(join(home, place), 0o777);
      assert.equal(
        ownFolder(() => home),
        undefined,
      );
    });

  it("is not used itself where others may write, even if they may not touch what is not theirs", () => {
    mkdirSync(join(home, ".cache/sluice/compiled"), { recursive: true });
    chmodSync(join(home, ".cache/sluice/compiled"), 0o1777);
    assert.equal(
      ownFolder(() => home),
      undefined,
    );
  });

  it("is done without where there is no home", () => {
    assert.equal(
      ownFolder(() => join(home, "none\0")),
      undefined,
    );
    assert.equal(
      ownFolder(() => {
        throw new Error("no entry in passwd");
      }),
      undefined,
    );
  });
});
