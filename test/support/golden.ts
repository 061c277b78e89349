import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** Path of a file below test/golden. */
export function goldenPath(name: string): string {
  return fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
}

/** Holds a text to the file of that name; UPDATE_GOLDEN=1 writes it. The file begins with a sentence of origin. */
export function assertGolden(name: string, text: string): void {
  const path = goldenPath(name);
  if (process.env["UPDATE_GOLDEN"] === "1") {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  assert.equal(text, readFileSync(path, "utf8"), `${name} differs; if that is right, run again with UPDATE_GOLDEN=1`);
}
