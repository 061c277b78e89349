import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { readCases } from "../conformance/case.ts";
import { check } from "../conformance/check.ts";

const own = new URL("../fixtures/conformance/", import.meta.url).pathname;
// Larger tables of the same format, beside the checkout where they exist. Those of later work are not named here.
const beside = new URL("../../../shared/conformance/", import.meta.url).pathname;
const covered = [
  "cyclonus.jsonl",
  "nca-relations.jsonl",
  "np-guard.jsonl",
  "npapi-v1alpha1.jsonl",
  "npapi-v1alpha2.jsonl",
];

describe("conformance with other projects' expectations", function () {
  this.timeout(30_000);

  for (const file of readdirSync(own).filter((name) => name.endsWith(".jsonl"))) passesWhole(own, file);

  for (const file of covered) {
    if (existsSync(beside + file)) passesWhole(beside, file);
    else it(`${file} (skipped: the large tables are not beside this checkout)`);
  }
});

function passesWhole(folder: string, file: string): void {
  it(`${file} passes whole`, () => {
    const failing = readCases(folder + file).flatMap((one) => check(one).map((fault) => `${one.value.id}: ${fault}`));
    assert.deepEqual(failing, []);
  });
}
