import { SluiceError } from "../../core/errors.ts";
import { table as ourTable } from "../text.ts";
import { expressionText } from "./expression-text.ts";
import type { Finding } from "./finding.ts";

// Rules of others that decide where ours cannot, as `nft -j list ruleset` prints them (libnftables-json(5)).
// Accepts of others do not matter: accept ends only the base chain it is in, and every other base chain of the hook sees the
// packet all the same (nft(8), "Verdict statement"). Drops are final, whatever the order of chains.

/** Tables of ours that are no subject here. */
const own: ReadonlySet<string> = new Set([ourTable, "inet sluice_collector", "inet sluice_dns"]);

/** Connection tracking hooks in at -200 (NF_IP_PRI_CONNTRACK); notrack after it does nothing. */
const trackingPriority = -200;

export function foreignFindings(json: string): readonly Finding[] {
  const ruleset = parse(json);
  const findings = [...ruleset.chains.values()].flatMap((chain) =>
    chain.base === null ? [] : findingsOf(ruleset, chain, chain.base),
  );
  const once = new Map(
    findings.map((finding) => [`${finding.table} ${finding.chain} ${finding.rule} ${finding.kind}`, finding]),
  );
  return [...once.values()];
}

interface Base {
  readonly hook: string;
  readonly priority: number;
  readonly policy: string;
}

interface Chain {
  readonly family: string;
  /** `ip raw` */
  readonly table: string;
  readonly name: string;
  readonly base: Base | null;
  readonly rules: Expression[];
}

/** The statements of one rule. */
type Expression = readonly unknown[];

interface Ruleset {
  readonly chains: Map<string, Chain>;
  /** Chains that the verdicts of a named map lead to. */
  readonly maps: Map<string, readonly string[]>;
}

function findingsOf(ruleset: Ruleset, chain: Chain, base: Base): readonly Finding[] {
  const rules = reachable(ruleset, chain).flatMap((each) => each.rules.map((rule) => ({ chain: each, rule })));
  const found = (kind: Finding["kind"], statement: (rule: Expression) => boolean, sentence: string): Finding[] =>
    rules
      .filter(({ rule }) => statement(rule))
      .map((at) => ({ kind, sentence, table: at.chain.table, chain: at.chain.name, rule: expressionText(at.rule) }));
  const isBeforeTracking = ["prerouting", "output"].includes(base.hook) && base.priority < trackingPriority;
  return [
    ...(isBeforeTracking ? found("notrack", has("notrack"), untracked) : []),
    ...found("offload", isOffload, offloaded),
    ...found("bypass", has("fwd"), forwarded),
    ...found("rewrite", isRewrite, rewritten),
    ...drops(chain, base, rules),
  ];
}

const untracked =
  "takes packets out of connection tracking: their replies are judged as if they began a connection, and no flow is recorded";
const offloaded = "lets established connections pass our rules by: a connection that is revoked goes on";
const forwarded = "sends packets on before our rules see them";
const rewritten = "rewrites addresses or ports without connection tracking: what our rules judged is not what arrives";

interface Placed {
  readonly chain: Chain;
  readonly rule: Expression;
}

/** One for a base chain: a firewall has many drops, and each is as good as another. */
function drops(
  { family, table, name }: Chain,
  { hook, priority, policy }: Base,
  rules: readonly Placed[],
): readonly Finding[] {
  const dropping = rules.filter(({ rule }) => refuses(rule));
  if (dropping.length === 0 && policy !== "drop") return [];
  const isEarly = family === "netdev" || family === "bridge" || ["ingress", "egress", "prerouting"].includes(hook);
  const how =
    policy === "drop"
      ? `drops by policy${dropping.length > 0 ? ` and ${rulesText(dropping.length)}` : ""}`
      : `drops by ${rulesText(dropping.length)}`;
  const where = `hook ${hook}, priority ${priority}`;
  const sentence = isEarly
    ? `${how} before our rules see the packet (${where}): denied without a record`
    : `${how} (${where}), also what our rules allow: such a connection is recorded as allowed, and fails`;
  const first = dropping[0];
  return [
    {
      kind: isEarly ? "early-drop" : "drop",
      sentence,
      table,
      chain: name,
      rule: first === undefined ? null : expressionText(first.rule),
    },
  ];
}

const rulesText = (count: number) => `${count} rule${count === 1 ? "" : "s"}`;

const has = (statement: string) => (rule: Expression) => rule.some((each) => statement in record(each));

function isOffload(rule: Expression): boolean {
  return rule.some((each) => record(record(each)["flow"])["op"] === "add");
}

/** Of `ip daddr set 10.0.0.1`; marks and the like are harmless. */
function isRewrite(rule: Expression): boolean {
  const fields = ["saddr", "daddr", "sport", "dport"];
  return rule.some((each) =>
    fields.includes(String(record(record(record(record(each)["mangle"])["key"])["payload"])["field"])),
  );
}

/** By the rule itself, or by the verdicts of a map within it. */
function refuses(rule: Expression): boolean {
  return rule.some(
    (each) => "drop" in record(each) || "reject" in record(each) || hasDropVerdict(record(each)["vmap"]),
  );
}

function hasDropVerdict(vmap: unknown): boolean {
  return list(record(record(vmap)["data"])["set"]).some((pair) => "drop" in record(list(pair)[1]));
}

/** The chain itself and all that it leads to. */
function reachable({ chains, maps }: Ruleset, from: Chain): readonly Chain[] {
  const seen = new Set([from]);
  for (const chain of seen)
    for (const name of chain.rules.flatMap((rule) =>
      targetsOf(rule, (map) => maps.get(`${chain.table} ${map}`) ?? []),
    )) {
      const next = chains.get(`${chain.table} ${name}`);
      if (next !== undefined) seen.add(next);
    }
  return [...seen];
}

/** Names of chains to which a rule, or an element of a map, leads: `{"jump": {"target": name}}`, wherever in it. */
function targetsOf(value: unknown, inMap: (name: string) => readonly string[]): readonly string[] {
  if (typeof value === "string") return value.startsWith("@") ? inMap(value.slice(1)) : [];
  if (Array.isArray(value)) return value.flatMap((each) => targetsOf(each, inMap));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const target = key === "jump" || key === "goto" ? record(inner)["target"] : undefined;
    return typeof target === "string" ? [target] : targetsOf(inner, inMap);
  });
}

function parse(json: string): Ruleset {
  const ruleset: Ruleset = { chains: new Map(), maps: new Map() };
  for (const entry of list(record(parseJson(json))["nftables"])) {
    const { chain, rule, map } = record(entry);
    if (chain !== undefined) addChain(ruleset, record(chain));
    if (rule !== undefined) ruleset.chains.get(keyOf(record(rule), "chain"))?.rules.push(list(record(rule)["expr"]));
    if (map !== undefined)
      ruleset.maps.set(
        keyOf(record(map), "name"),
        targetsOf(record(map)["elem"], () => []),
      );
  }
  return ruleset;
}

function addChain({ chains }: Ruleset, chain: Record<string, unknown>): void {
  const [family, hook] = [String(chain["family"]), chain["hook"]];
  const table = `${family} ${String(chain["table"])}`;
  if (own.has(table)) return;
  const base =
    typeof hook === "string"
      ? { hook, priority: Number(chain["prio"]), policy: String(chain["policy"] ?? "accept") }
      : null;
  chains.set(keyOf(chain, "name"), { family, table, name: String(chain["name"]), base, rules: [] });
}

function keyOf(object: Record<string, unknown>, name: string): string {
  return `${String(object["family"])} ${String(object["table"])} ${String(object[name])}`;
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new SluiceError("NFT_FAILED", "nft printed a listing that is no JSON", { cause });
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
