import { createInterface } from "node:readline/promises";
import { SluiceError } from "../core/errors.ts";

/** Resolves once a person says yes, or said so before by `--yes`. Throws USAGE otherwise. */
export async function confirmed(question: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (process.stdin.isTTY !== true)
    throw new SluiceError("USAGE", `${question} Nobody is there to be asked: give --yes`);
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await asking.question(`${question} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new SluiceError("USAGE", "not confirmed; nothing was done");
  } finally {
    asking.close();
  }
}
