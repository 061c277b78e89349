import { lossTotalText } from "./loss-text.ts";
import type { Paint } from "./paint.ts";
import type { DeniedBy, SummaryReport } from "./summary.ts";
import { bytesText, cutMiddle, padEnd, padStart, plural } from "./text.ts";

const narrowest = 80;
const widest = 160;

/** The closing summary as lines of at most `width` columns. */
export function summaryLines(report: SummaryReport, width: number, paint: Paint, top = 10): readonly string[] {
  const room = Math.max(narrowest, Math.min(width, widest));
  return [
    "",
    paint("bold", "Summary"),
    ...totals(report, paint),
    ...section("Top talkers", talkers(report, room, top), paint),
    ...section("Denied by policy", denials(report.deniedBy, room, top), paint),
    ...section("Would be denied by policy, and passed", denials(report.wouldBeDeniedBy, room, top), paint),
    ...section("By deciding tier", tiers(report), paint),
    "",
    ...losses(report, paint),
  ];
}

function totals(report: SummaryReport, paint: Paint): readonly string[] {
  const { connections, allowed, denied, bytes, durationMs } = report;
  const verdicts = `${paint("allow", `✓ ${allowed} allowed`)}, ${paint("deny", `✗ ${denied} denied`)}`;
  return [`  ${durationText(durationMs)}, ${plural(connections, "connection")}: ${verdicts}; ${bytesText(bytes)}`];
}

function section(title: string, lines: readonly string[], paint: Paint): readonly string[] {
  return lines.length === 0 ? [] : ["", paint("bold", title), ...lines];
}

function talkers({ talkers: all, furtherPairs }: SummaryReport, room: number, top: number): readonly string[] {
  const shown = all.slice(0, top);
  const pairWidth = room - 2 - 9 - 18;
  const longest = Math.min(pairWidth, Math.max(0, ...shown.map(({ pair }) => [...pair].length)));
  const lines = shown.map(({ pair, bytes, connections }) => {
    const name = padEnd(cutMiddle(pair, longest), longest);
    return `  ${name}  ${padStart(bytesText(bytes), 7)}  ${plural(connections, "connection")}`;
  });
  const apart =
    furtherPairs === 0 ? [] : [`  (${plural(furtherPairs, "record")} of further pairs not counted by pair)`];
  return [...lines, ...more(all.length - shown.length, "pair"), ...apart];
}

function denials(deniedBy: readonly DeniedBy[], room: number, top: number): readonly string[] {
  const shown = deniedBy.slice(0, top);
  const lines = shown.flatMap(({ policy, attempts, example }) => [
    `  ${padStart(`${attempts}×`, 6)} ${cutMiddle(policy, room - 9)}`,
    `         e.g. ${cutMiddle(example, room - 14)}`,
  ]);
  return [...lines, ...more(deniedBy.length - shown.length, "policy rule")];
}

function tiers({ tiers: all }: SummaryReport): readonly string[] {
  const named = all.map(({ tier, allowed, denied }) => ({ name: tier ?? "(no policy)", allowed, denied }));
  const longest = Math.max(0, ...named.map(({ name }) => name.length));
  return named.map(({ name, allowed, denied }) => {
    const counts = `${padStart(String(allowed), 6)} allowed  ${padStart(String(denied), 6)} denied`;
    return `  ${padEnd(name, longest)}  ${counts}`;
  });
}

function losses({ losses: all }: SummaryReport, paint: Paint): readonly string[] {
  if (all.length === 0) return ["Lost: none"];
  const lines = all.map((total) => `  ${lossTotalText(total)}`);
  return [paint("warn", "Lost:"), ...lines.map((line) => paint("warn", line))];
}

function more(count: number, noun: string): readonly string[] {
  return count > 0 ? [`  and ${plural(count, `more ${noun}`)}`] : [];
}

/** `30 s`, `2 min 5 s`, `1 h 0 min`. */
function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
