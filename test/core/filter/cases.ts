import { parseAddress } from "../../../core/address.ts";
import type { Flow } from "../../../core/records/flow.ts";
import { network, nodeEndpoint, pod, seconds } from "../../support/flows.ts";

/** A filter and a flow (what differs from `flow()` of support/flows.ts), and whether the flow is one the filter looks for. */
export interface FilterCase {
  readonly title: string;
  readonly filter: string;
  readonly flow: Partial<Flow>;
  readonly holds: boolean;
}

/** What `-15m` and `now` count from in these cases: a minute after the flow began, in milliseconds. */
export const nowMs = seconds(60) / 1000;

const nat = {
  destinationAddress: parseAddress("10.96.0.10"),
  destinationPort: 80,
  sourceAddress: parseAddress("10.1.0.5"),
  sourcePort: 40000,
};
const six = { sourceAddress: parseAddress("fd00::5"), destinationAddress: parseAddress("fd00:1::7") };
const icmp = { protocol: 1, icmp: { type: 8, code: 0, id: 4 }, sourcePort: 0, destinationPort: 0 };
const service = { namespace: "prod-shop", name: "api", port: "http" };
const path = [
  "0|platform|gnp:platform.metadata|pass|-1",
  "1|app|np:prod-shop/app.api-callers|allow|2",
  "0|security|gnp:security.dev-not-prod|deny|0",
];
const profile = ["0|__PROFILE__|pro:kns.prod-shop|allow|0"];

const both = (title: string, filter: string, flow: Partial<Flow>, holds: boolean): readonly FilterCase[] => [
  { title, filter, flow, holds },
  { title: `not: ${title}`, filter: `not (${filter})`, flow, holds: !holds },
];

/** One table for every way to run a filter: in memory, in DuckDB, later in Elasticsearch. */
export const filterCases: readonly FilterCase[] = [
  // verdicts and other words
  ...both("a verdict equals its value", "verdict = deny", { state: "denied" }, true),
  ...both("another verdict does not", "verdict = deny", {}, false),
  ...both("an alias means its field", "action = allow", {}, true),
  ...both("values of words count in any case", "verdict = DENY", { state: "denied" }, true),
  ...both("hubble's word for a verdict is understood", "verdict = dropped", { state: "denied" }, true),
  ...both("!= holds for another value", "verdict != deny", {}, true),
  ...both("a set holds if one of it does", "verdict in (deny, unknown)", { action: "unknown" }, true),
  ...both("not in holds if none does", "verdict not in (deny, unknown)", {}, true),
  ...both("a state is its own field", "state = closed", { state: "closed" }, true),
  ...both("how it ended", "end = refused", { state: "closed", endReason: "refused" }, true),
  ...both("what has not ended has no end", "end = refused", {}, false),
  ...both("what has not ended differs from every end", "end_reason != refused", {}, true),
  ...both("whether anybody answered", "replied = false", { replied: false }, true),
  ...both("a mode is its own field", "mode = observed", { mode: "observed" }, true),
  ...both("who says so", "verdict.source = kernel", { verdictSource: "evaluated" }, false),
  ...both("a reporter", "reporter in (src, dst)", { reporter: "src" }, true),
  ...both("a boolean is true", "authoritative = true", { authoritative: true }, true),
  ...both("a boolean is false", "authoritative = false", { authoritative: true }, false),
  ...both("a cluster by pattern", "cluster ~ l?b", { cluster: "lab" }, true),
  ...both("a node by name", "node = node-1", { node: "node-2" }, false),

  // what is absent
  ...both("an absent reason equals nothing", "reason = spoofed", {}, false),
  ...both("an absent reason differs from everything", "reason != spoofed", {}, true),
  ...both("an absent reason does not exist", "exists(reason)", {}, false),
  ...both("a reason exists", "has(reason)", { state: "denied", reason: "spoofed" }, true),
  ...both("an absent value is like no pattern", "reason ~ *", {}, false),
  ...both("an unknown source has no namespace", "src.ns exists", { source: null }, false),
  ...both("a network has no name", "dst.pod ~ *", { destination: network }, false),
  ...both("a revision may be absent", "policy.revision exists", { programRevision: null }, false),

  // both ends
  ...both("ns is that of the source", "ns = dev-shop", {}, true),
  ...both("ns is that of the destination", "ns = prod-shop", {}, true),
  ...both("ns is nothing else", "ns = kube-system", {}, false),
  ...both("ns != means neither end", "ns != prod-shop", {}, false),
  ...both("src.ns is not the destination's", "src.ns = prod-shop", {}, false),
  ...both("pod by pattern at either end", "pod ~ api-*", {}, true),
  ...both("workload of either end", "workload = web", {}, true),
  ...both("src.namespace is src.ns", "src.namespace = dev-shop", {}, true),
  ...both("a node as an end has its name", "src.pod = node-1", { source: nodeEndpoint("node-1") }, true),
  ...both("kind of an end", "dst.kind = network", { destination: network }, true),
  ...both("node of an end", "dst.node = node-2", { destination: pod("prod-shop/api-0", {}, "node-2") }, true),

  // labels
  ...both("a label of the source", "src.labels.app = web", {}, true),
  ...both("a label of the other end is none", "src.labels.app = api", {}, false),
  ...both("labels of either end", "labels.app = api", {}, true),
  ...both("label is an alias", "label.env in (dev)", {}, true),
  ...both("an absent label differs", "not src.labels.app = prometheus", {}, true),
  ...both("an absent label does not exist", "exists(src.labels.team)", {}, false),
  ...both("an empty label exists", "exists(src.labels.team)", { source: pod("a/b-1", { team: "" }) }, true),
  ...both("an empty label equals the empty text", 'src.labels.team = ""', { source: pod("a/b-1", { team: "" }) }, true),
  ...both("an absent label is not empty", 'src.labels.team = ""', {}, false),
  ...both(
    "a label's key may have dots and a slash",
    'src.labels["app.kubernetes.io/name"] = web',
    { source: pod("a/b-1", { "app.kubernetes.io/name": "web" }) },
    true,
  ),
  ...both(
    "such a key needs no quotes",
    "src.labels.app.kubernetes.io/name = web",
    { source: pod("a/b-1", { "app.kubernetes.io/name": "web" }) },
    true,
  ),
  ...both("a key of every object is no label", "exists(src.labels.constructor)", {}, false),
  ...both(
    "quotes in a label's value are text",
    `src.labels.note = "it's \\"quoted\\""`,
    { source: pod("a/b-1", { note: `it's "quoted"` }) },
    true,
  ),
  ...both(
    "a value that looks like SQL is text",
    `src.labels.note = "'; drop table flow; --"`,
    { source: pod("a/b-1", { note: "'; drop table flow; --" }) },
    true,
  ),
  ...both("a label's key that looks like SQL is text", `exists(src.labels["a'; --"])`, {}, false),
  ...both("text beyond ASCII", 'src.labels.team = "Größe ✓"', { source: pod("a/b-1", { team: "Größe ✓" }) }, true),

  // patterns
  ...both("a pattern covers the whole text", "src.pod ~ web", {}, false),
  ...both("a star is any text", "src.pod ~ w*1", {}, true),
  ...both("a star may be nothing", "src.pod ~ web-1*", {}, true),
  ...both("a question mark is one character", "src.pod ~ web-?", {}, true),
  ...both("a question mark is not none", "src.pod ~ web-1?", {}, false),
  ...both("a question mark is a whole character", "src.labels.x ~ a?b", { source: pod("a/b-1", { x: "a😀b" }) }, true),
  ...both("case counts in patterns", "src.pod ~ WEB*", {}, false),
  ...both("brackets are no pattern", 'src.pod ~ "[w]eb-1"', {}, false),
  ...both("brackets are themselves", 'src.labels.x ~ "[a]*"', { source: pod("a/b-1", { x: "[a]b" }) }, true),
  ...both("a per cent sign is itself", "src.pod ~ w%", {}, false),
  ...both("an underscore is itself", "src.pod ~ web_1", {}, false),
  ...both("a backslash is itself", 'src.labels.x ~ "a\\\\*"', { source: pod("a/b-1", { x: "a\\b" }) }, true),
  ...both("= takes a star as it is", "src.pod = w*", {}, false),
  ...both("= finds a star", 'src.labels.x = "a*"', { source: pod("a/b-1", { x: "a*" }) }, true),
  ...both("a set after in may hold patterns", 'src.pod IN {"api", "we*"}', {}, true),
  ...both("notin as well", 'src.pod NOTIN {"api", "we*"}', {}, false),
  ...both("a set of patterns holds if one does", "src.pod ~ (api-*, web-?)", {}, true),
  ...both("!~ is the contrary", "src.pod !~ web-*", {}, false),
  ...both("a pattern on words", "verdict ~ al*", {}, true),

  // addresses
  ...both("an address", "src.ip = 10.1.0.5", {}, true),
  ...both("another address", "src.ip = 10.1.0.50", {}, false),
  ...both("an address within a prefix", "dst.ip = 10.2.0.0/16", {}, true),
  ...both("an address outside a prefix", "dst.ip in (10.3.0.0/16, 10.2.0.8/29)", {}, false),
  ...both("the last address of a prefix", "dst.ip = 10.2.0.0/29", {}, true),
  ...both("all IPv4", "ip = 0.0.0.0/0", {}, true),
  ...both("IPv6 is not IPv4", "ip = 0.0.0.0/0", six, false),
  ...both("all IPv6", "ip = ::/0", six, true),
  ...both("IPv4 is not IPv6", "ip = ::/0", {}, false),
  ...both("an IPv6 address in other words", "src.ip = fd00:0:0::0005", six, true),
  ...both("an IPv6 prefix", "dst.ip = fd00:1::/32", six, true),
  ...both("another IPv6 prefix", "dst.ip = fd00:2::/32", six, false),
  ...both("IPv4 in IPv6 is IPv4", "src.ip = ::ffff:10.1.0.5", {}, true),
  ...both("ip is the Service's as well", "ip = 10.96.0.10", { nat }, true),
  ...both("dst.ip is after translation", "dst.ip = 10.96.0.10", { nat }, false),
  ...both("ip != means none of them", "ip != 10.96.0.10", { nat }, false),

  // numbers
  ...both("a port", "dst.port = 8080", {}, true),
  ...both("a port of either end", "port in (1, 40000)", {}, true),
  ...both("a range of ports", "dst.port >= 8000 and dst.port < 8081", {}, true),
  ...both("a port above", "dst.port > 8080", {}, false),
  ...both("a protocol without ports has none", "exists(port)", icmp, false),
  ...both("nor a port 0", "dst.port = 0", icmp, false),
  ...both("a protocol by name", "protocol = TCP", {}, true),
  ...both("a protocol by number", "proto = 6", {}, true),
  ...both("a protocol without a name", "protocol = 47", { protocol: 47, sourcePort: 0, destinationPort: 0 }, true),
  ...both("protocols as a set", "protocol in (icmp, icmpv6)", icmp, true),
  ...both("bytes of both directions", "bytes = 2500", {}, true),
  ...both("bytes with a unit", "bytes >= 2.5k", {}, true),
  ...both("bytes with a binary unit", "bytes < 3Ki", {}, true),
  ...both("packets of both directions", "packets <= 10", {}, false),
  ...both("numbers compare as numbers", "bytes > 300", {}, true),

  // times
  ...both("after a time", "time > 2023-11-14T22:13:19Z", {}, true),
  ...both("not before it", "time >= 2023-11-14T22:13:20Z", {}, true),
  ...both("not after itself", "time > 2023-11-14T22:13:20Z", {}, false),
  ...both("a microsecond before", "time < 2023-11-14T22:13:20.000001Z", {}, true),
  ...both("a time with an offset", "time = 2023-11-14T23:13:20+01:00", {}, true),
  ...both("a time without seconds is UTC", "time >= 2023-11-14T22:13", {}, true),
  ...both("a minute ago", "time >= -1m", {}, true),
  ...both("less than a minute ago", "time > now-59s", {}, false),
  ...both("before now", "time < now", {}, true),

  // policies, services
  ...both("a Service by name", "service = api", { service }, true),
  ...both("a Service with its namespace", "service = prod-shop/api", { service }, true),
  ...both("no Service", "service = api", {}, false),
  ...both("the tier that decided", "tier = app", { enforced: path }, true),
  ...both("the tier that decided the other way", "tier = security", { enforced: path }, true),
  ...both("a tier that only passed", "tier = platform", { enforced: path }, false),
  ...both("a profile is no tier", "exists(tier)", { enforced: profile }, false),
  ...both("a policy on the path", "policy = platform.metadata", { enforced: path }, true),
  ...both("a policy with its namespace", "policy = prod-shop/app.api-callers", { enforced: path }, true),
  ...both("a policy without it", "policy = app.api-callers", { enforced: path }, true),
  ...both("a policy with its kind", "policy = np:prod-shop/app.api-callers", { enforced: path }, true),
  ...both("policies by pattern", "policy ~ security.*", { enforced: path }, true),
  ...both("a policy that is not there", "policy = security", { enforced: path }, false),
  ...both("steps of another version are passed over", "exists(policy)", { enforced: ["what|is this"] }, false),

  // together
  ...both("and binds closer than or", "verdict = allow or verdict = deny and dst.port = 1", {}, true),
  ...both("parentheses bind closest", "(verdict = allow or verdict = deny) and dst.port = 1", {}, false),
  ...both("not binds closer than and", "not verdict = deny and dst.port = 1", {}, false),
  ...both("not not is nothing", "not not verdict = allow", {}, true),
  ...both("! is not", "!verdict = deny && !(dst.port = 1 || dst.port = 2)", {}, true),
  ...both(
    "Calico's words are understood",
    `"dst.ns" = "prod-shop" AND NOT "src.labels.app" IN {"prometheus"}`,
    {},
    true,
  ),
  ...both(
    "the example of the reference",
    "verdict = deny and dst.ns in (payments, prod-shop) and dst.port = 8080 and not src.labels.app = prometheus",
    { state: "denied", destination: pod("prod-shop/api-0"), destinationPort: 8080 },
    true,
  ),
];
