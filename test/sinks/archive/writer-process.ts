// Writes numbered flows into the data folder it is given until it is killed, and prints the numbers that are stored.
// Begins where it is told to: node writer-process.ts FOLDER FIRST

import { systemClock } from "../../../core/clock.ts";
import { silentLog } from "../../../core/log.ts";
import { Archive } from "../../../sinks/archive/archive.ts";
import { flow, seconds } from "../../support/flows.ts";

const [folder, first] = process.argv.slice(2) as [string, string];
const archive = new Archive({ folder, clock: systemClock, log: silentLog, flushMs: 20, memoryMb: 128 });
await archive.open();
void maintaining();
const never = new AbortController().signal;
for (let seq = Number(first); ; seq += 10) {
  const batch = Array.from({ length: 10 }, (_, at) => flow({ seq: seq + at, start: seconds((seq + at) / 10) }));
  await archive.sink("flow").write(batch, never);
  process.stdout.write(`${seq + 9}\n`);
}

/** The hour of these flows is long over, so this seals. */
async function maintaining(): Promise<void> {
  for (;;) {
    await archive.maintain();
    await systemClock.sleep(5);
  }
}
