import type { Trace, TraceStep } from "./trace.ts";

/** Traces for people: the verdict first, then how it came about. */
export function renderTrace(traces: readonly Trace[]): string {
  return traces.map(renderOne).join("\n");
}

function renderOne(trace: Trace): string {
  const word = trace.protocol.startsWith("ICMP") ? "type" : "port";
  const service = trace.port === null ? trace.protocol : `${trace.protocol} ${word} ${trace.port}`;
  const title = `${trace.action === "allow" ? "ALLOW" : "DENY"}  ${trace.from} -> ${trace.to}  ${service}`;
  return `${[title, ...reasons(trace)].join("\n")}\n`;
}

function reasons({ exempt, egress, ingress, action, from, to }: Trace): readonly string[] {
  if (exempt !== null) return [`  no policy is asked: ${exempt}`];
  const deniedAtEgress = action === "deny" && ingress === null;
  return [
    ...way(`egress of ${from}`, egress),
    ...(deniedAtEgress ? [`  ingress of ${to}: not asked, egress denies already`] : way(`ingress of ${to}`, ingress)),
  ];
}

function way(title: string, steps: readonly TraceStep[] | null): readonly string[] {
  if (steps === null) return [`  ${title}: not subject to pod policies`];
  return [`  ${title}:`, ...steps.map(({ text }, index) => `    ${index + 1}. ${text}`)];
}
