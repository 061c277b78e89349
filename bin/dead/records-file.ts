import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf, SluiceError } from "../../core/errors.ts";

/** Records from a file of JSON: one, or an array of them, or what `sluice dead show -o json` prints. Throws USAGE. */
export function recordsIn(file: string): readonly object[] {
  try {
    const read = JSON.parse(readFileSync(file, "utf8")) as unknown;
    const shown = Array.isArray(read) && read.length === 1 ? (read[0] as unknown) : read;
    const records = isObject(shown) && Array.isArray(shown["records"]) ? (shown["records"] as unknown[]) : read;
    const all = Array.isArray(records) ? (records as unknown[]) : [records];
    if (all.every(isObject)) return all;
    throw new Error("it holds no JSON object, nor an array of them");
  } catch (thrown) {
    throw new SluiceError("USAGE", `${file}: ${messageOf(thrown)}`, { cause: thrown });
  }
}

/** What a person makes of the records, in `$EDITOR`. */
export function edited(records: readonly object[], env: NodeJS.ProcessEnv): readonly object[] {
  const [editor = "vi", ...words] = (env["VISUAL"] ?? env["EDITOR"] ?? "vi").split(" ");
  const folder = mkdtempSync(join(tmpdir(), "sluice-dead-"));
  try {
    const file = join(folder, "records.json");
    writeFileSync(file, `${JSON.stringify(records, null, 2)}\n`, { mode: 0o600 });
    const { status, error } = spawnSync(editor, [...words, file], { stdio: "inherit" });
    if (error !== undefined || status !== 0)
      throw new SluiceError(
        "USAGE",
        `${editor} ended without success${error === undefined ? "" : `: ${error.message}`}`,
      );
    return recordsIn(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
