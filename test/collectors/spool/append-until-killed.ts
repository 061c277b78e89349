// Appends flows to the spool in the folder given, until it is killed. Each time the spool was forced to the disk it prints the number of
// records that are durable: append-until-killed.ts FOLDER
import { writeSync } from "node:fs";
import { realDisk } from "../../../collectors/spool/disk.ts";
import { Spool } from "../../../collectors/spool/spool.ts";
import { systemClock } from "../../../core/clock.ts";
import { rawFlow } from "../../support/flows.ts";

let appended = 0;
const spool: Spool = Spool.open({
  folder: process.argv[2] as string,
  cluster: "c",
  node: "n",
  maxBytes: 64 * 1024 * 1024,
  maxAgeMs: 86_400_000,
  syncMs: 5,
  clock: systemClock,
  onLoss: (count, _span, detail) => writeSync(1, `lost ${count} ${detail}\n`),
  onTrouble: (trouble) => writeSync(1, `trouble ${trouble}\n`),
  disk: {
    ...realDisk,
    syncLater: (fd, done) => {
      const asked = appended;
      realDisk.syncLater(fd, (failure) => {
        if (failure === null && spool !== undefined) writeSync(1, `durable ${spool.epoch} ${asked}\n`);
        done(failure);
      });
    },
  },
});
for (;;) {
  const size = 1 + (appended % 97);
  const flows = Array.from({ length: size }, (_, index) =>
    rawFlow({ cluster: "c", node: "n", epoch: spool.epoch, seq: appended + index }),
  );
  spool.append({ flows, losses: [], heartbeats: [] });
  appended += size;
  spool.tend();
  await new Promise(setImmediate);
  if (spool.standingDue) spool.saveStanding([rawFlow()]);
}
