// Connections whose permission was withdrawn, as sets whose elements go by themselves; revoker.ts fills them. A set of all that
// packets of such connections look like, either way, is asked of every packet. What it has goes to a chain of its own, which tells
// apart who asked and who answers, so that a log message names the connection as it was opened and never the wrong way round.
import type { Family } from "../core/address.ts";
import type { Direction } from "../policy/program.ts";
import type { RenderContext } from "./instruction.ts";
import { logged } from "./log-limit.ts";
import { type Condition, type Field, type LogPrefix, type Name, type NamedSet, nameOf, type Rule } from "./ruleset.ts";

/** So long that whoever goes on sending has been reset, or has given up; conntrack itself remembers UDP for 2 minutes. */
export const revokedMs = 600_000;

/** What packets of revoked connections look like, either way: both addresses, protocol and ports. */
export function revokedSet(family: Family): Name {
  return nameOf(`revoked${family}`);
}

/** What those packets of them look like that come from who opened the connection, by whose policy withdrew the permission. */
export function revokedSetBy(direction: Direction, family: Family): Name {
  return nameOf(`revoked_${direction}${family}`);
}

/** Without elements, which come from revoker.ts. */
export function revokedSets(family: Family): readonly NamedSet[] {
  const address = family === 4 ? "ipv4_addr" : "ipv6_addr";
  const type = [address, address, "inet_proto", "inet_service", "inet_service"] as const;
  const names = [revokedSet(family), ...directions.map((direction) => revokedSetBy(direction, family))];
  return names.map((name) => ({ name, type, flag: "timeout", timeoutMs: revokedMs, elements: none }));
}

/** To be asked before anything is accepted for being established. */
export function revokedRule(context: RenderContext, family: Family): Rule {
  const to = context.draft.chain("revoked", chain(context));
  return { when: [isIn(revokedSet(family), sent(family))], statements: [{ do: "jump", to }] };
}

const directions = ["egress", "ingress"] as const;
const none: NamedSet["elements"] = new Set();

/** A sender of TCP is told, so that it does not try for a quarter of an hour. */
function chain(context: RenderContext): readonly Rule[] {
  return [
    ...([4, 6] as const).flatMap((family) => directions.flatMap((direction) => logs(context, direction, family))),
    {
      when: [{ if: "number", field: "protocol", from: 6, to: 6, not: false }],
      statements: [{ do: "reject", with: "tcp-reset" }],
    },
    { when: [], statements: [{ do: "drop" }] },
  ];
}

function logs(context: RenderContext, direction: Direction, family: Family): readonly Rule[] {
  const set = revokedSetBy(direction, family);
  const counter = context.draft.counter(nameOf(`${direction}_revoked`));
  const log = (key: readonly Field[], action: LogPrefix["action"]) =>
    logged(context, [isIn(set, key)], { action, direction, because: "revoked" }, [{ do: "count", counter }]);
  return [...log(sent(family), "D"), ...log(answered(family), "R")];
}

function isIn(set: Name, key: readonly Field[]): Condition {
  return { if: "member", key, set, not: false };
}

function sent(family: Family): readonly Field[] {
  return family === 4
    ? ["saddr4", "daddr4", "protocol", "sport", "dport"]
    : ["saddr6", "daddr6", "protocol", "sport", "dport"];
}

function answered(family: Family): readonly Field[] {
  return family === 4
    ? ["daddr4", "saddr4", "protocol", "dport", "sport"]
    : ["daddr6", "saddr6", "protocol", "dport", "sport"];
}
