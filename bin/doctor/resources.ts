import { bytesText } from "../../sinks/live/text.ts";
import { type Check, fail, ok, warn } from "./check.ts";

// What Sluice uses up, and what it goes by.

/** Beside the spool: an hour of the archive. */
const archiveBytes = 1_073_741_824;
const leastBytes = 67_108_864;

export const disk: Check = (machine, { data, spool }) => {
  const found = machine.disk(data.folder);
  const fix = "give it more room, or set data.folder elsewhere or spool.maxBytes lower (docs/reference/config.md)";
  if (found === undefined) return [fail("disk", `${data.folder} cannot be looked at`, fix)];
  const text = `${bytesText(found.freeBytes)} free for ${data.folder}`;
  if (!found.writable)
    return [fail("disk", `${data.folder} cannot be written`, "run as its owner, or change its owner")];
  if (found.freeBytes < leastBytes) return [fail("disk", text, fix)];
  return [found.freeBytes < spool.maxBytes + archiveBytes ? warn("disk", text, fix) : ok("disk", text)];
};

/** 2025-01-01: this program is younger. */
const earliestMs = 1_735_689_600_000;

export const clock: Check = (machine) => {
  if (machine.nowMs() < earliestMs) return [fail("clock", "it is wrong by years", "set it, and keep it by NTP")];
  const told = machine.run("timedatectl", ["show", "--property=NTPSynchronized", "--value"])?.output.trim();
  const isKept = told === "yes" || machine.read("/run/systemd/timesync/synchronized") !== undefined;
  if (isKept) return [ok("clock", "it is kept by NTP")];
  const text = told === "no" ? "nobody keeps it" : "whether it is kept cannot be told here";
  return [warn("clock", text, "keep it by NTP (chrony, systemd-timesyncd): owners of addresses are found by time")];
};
