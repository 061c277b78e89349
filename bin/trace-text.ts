import type { Trace } from "./trace.ts";

/** Traces for people: the verdict first, then how it came about. */
export function renderTrace(traces: readonly Trace[]): string {
  return traces.map(renderOne).join("\n");
}

function renderOne(trace: Trace): string {
  const service = trace.protocol.startsWith("ICMP") ? trace.protocol : `${trace.protocol} port ${trace.port}`;
  const lines = [
    `${trace.action === "allow" ? "ALLOW" : "DENY"}  ${trace.from} -> ${trace.to}  ${service}`,
    ...(trace.exempt === null ? [] : [`  no policy is asked: ${trace.exempt}`]),
    ...way(`egress of ${trace.from}`, trace.egress),
    ...(trace.ingress === null && trace.egress !== null && trace.action === "deny"
      ? [`  ingress of ${trace.to}: not asked, egress denies already`]
      : way(`ingress of ${trace.to}`, trace.ingress)),
  ];
  return `${lines.join("\n")}\n`;
}

function way(title: string, steps: readonly string[] | null): readonly string[] {
  if (steps === null) return [`  ${title}: not subject to pod policies`];
  return [`  ${title}:`, ...steps.map((step, index) => `    ${index + 1}. ${step}`)];
}
