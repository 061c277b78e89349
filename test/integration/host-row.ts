import type { Probe } from "../../lab/traffic/messages.ts";
import type { Program } from "../../policy/program.ts";
import type { Packet, Verdict } from "../../policy/verdict.ts";
import { addressOf, type Family, type HostLab } from "./host-lab.ts";

/**
 * `FROM -> TO PROTOCOL/PORT OUTCOME`; `tcp6` for IPv6. What becomes of a new connection: `allow`, it is answered; `deny`, nobody hears
 * of it; `refused`, a TCP reset comes at once; `prohibited`, an ICMP error. `unanswered`: its first packet passes, the answer does not.
 */
export interface Row {
  readonly text: string;
  readonly from: string;
  readonly to: string;
  readonly protocol: "tcp" | "udp" | "icmp";
  readonly family: Family;
  readonly port: number;
  readonly outcome: Outcome;
}

export type Outcome = "allow" | "deny" | "refused" | "prohibited" | "unanswered";

export function parseRow(text: string): Row {
  const [, from, to, protocol, six, port, outcome] =
    /^(\S+) -> (\S+) (tcp|udp|icmp)(6?)\/(\d+) (allow|deny|refused|prohibited|unanswered)$/.exec(text) ?? [];
  if (from === undefined || to === undefined) throw new Error(`no row: ${text}`);
  return {
    ...{ text, from, to, protocol: protocol as Row["protocol"] },
    family: six === "6" ? 6 : 4,
    port: Number(port),
    outcome: outcome as Outcome,
  };
}

/** Long enough for an answer on a busy machine; below a second, so that TCP sends one SYN. */
const timeoutMs = 700;

function probeOf({ to, protocol, family, port }: Row): Probe {
  return { protocol, address: addressOf(to, family), ...(protocol === "icmp" ? {} : { port }), timeoutMs };
}

/** What became of it. */
export async function outcomeOf(lab: HostLab, row: Row): Promise<Outcome> {
  const { answered, connected, error } = await lab.probe(row.from, probeOf(row));
  if (answered) return "allow";
  switch (error ?? "") {
    case "timeout":
      // As the evaluator sees it, the rest is up to later packets.
      return row.outcome === "unanswered" ? "unanswered" : "deny";
    case "EPERM": // What a process hears whose own node drops its datagram.
      return "deny";
    case "ECONNREFUSED":
      return "refused";
    case "EHOSTUNREACH":
    case "EACCES":
      return "prohibited";
    default:
      throw new Error(`${row.text}: ${error}${connected ? ", after it was connected" : ""}`);
  }
}

/** Its first packet, with what a trace is told of its way. */
export function packetOf(lab: HostLab, row: Row): Packet {
  const { from, to, protocol, family, port } = row;
  const service = to.startsWith("service:") ? to.slice("service:".length) : undefined;
  const destination = addressOf(service ?? to, family);
  const isIcmp = protocol === "icmp";
  const passage = lab.passage(from, service ?? to);
  const translating = [...passage.keys()][0];
  return {
    ...{ source: addressOf(from, family), destination },
    protocol: { tcp: 6, udp: 17, icmp: family === 6 ? 58 : 1 }[protocol],
    sourcePort: isIcmp ? 0 : 40_000,
    destinationPort: isIcmp ? 0 : service === undefined ? port : 8080,
    icmp: isIcmp ? { type: port, code: 0 } : null,
    interfaces: passage,
    ...(service === undefined || translating === undefined
      ? {}
      : { translated: { node: translating, destination: addressOf(to, family), destinationPort: port } }),
  };
}

/** Rules that were asked and held, each as often as the kernel should have counted it. That a list or tier ends and passes is no rule. */
export function hitsOf(verdicts: readonly Verdict[], { rules }: Pick<Program, "rules">): ReadonlyMap<string, number> {
  const hits = new Map<string, number>();
  for (const { egress, ingress, hosts } of verdicts)
    for (const path of [egress, ingress, ...hosts.filter(({ action }) => action !== "skip")])
      for (const { rule, action } of path?.steps ?? [])
        if (action !== "pass" || (rules.get(rule)?.rule ?? -1) >= 0)
          hits.set(`r_${rule}`, (hits.get(`r_${rule}`) ?? 0) + 1);
  return hits;
}
