import assert from "node:assert/strict";
import type { Flow, RawFlow } from "../../core/records/flow.ts";
import { parseRuleId, type RuleId } from "../../core/rule-id.ts";
import type { Ends } from "../../enrichers/authoritative.ts";
import { RuleBook } from "../../enrichers/rule-book.ts";
import { decide, modeOf, type PolicyInForce } from "../../enrichers/verdict.ts";
import type { Endpoint, EndpointId, Placement } from "../../policy/placement.ts";
import type { Direction, Program, RuleOrigin } from "../../policy/program.ts";
import type { HostPath, Path, Step, Verdict } from "../../policy/verdict.ts";
import { network, nodeEndpoint, pod, rawDenial, rawFlow, unknown } from "../support/flows.ts";

const id = (n: number): RuleId => parseRuleId(n.toString(16).padStart(16, "0"));
const origin = (direction: Direction, text: string): RuleOrigin => {
  const [tier, policy, action, rule] = text.split("|") as [string, string, RuleOrigin["action"], string];
  const [kind, path] = policy.split(":") as [string, string];
  const [namespace, name] = path.includes("/") ? (path.split("/") as [string, string]) : [null, path];
  return { tier, kind, namespace, name, direction, action, rule: Number(rule) };
};

// Egress rules are 0x1_, ingress rules 0x2_; 0x3_ were in an earlier program only.
const rules = {
  passDns: id(0x10),
  devNotProd: id(0x11),
  profileOut: id(0x12),
  passIn: id(0x20),
  api: id(0x21),
  apiDefault: id(0x22),
  profileIn: id(0x23),
  devNotNode: id(0x24),
  failsafe: id(0x25),
  podToHost: id(0x26),
  hostProfileOut: id(0x13),
  oldApi: id(0x30),
};
const current: Program = program("now", [
  [rules.passDns, origin("egress", "platform|gnp:platform.dns|pass|1")],
  [rules.devNotProd, origin("egress", "security|gnp:security.dev-not-prod|deny|0")],
  [rules.profileOut, origin("egress", "__PROFILE__|pro:kns|allow|0")],
  [rules.passIn, origin("ingress", "security|gnp:security.pci|pass|2")],
  [rules.api, origin("ingress", "app|np:prod-shop/app.api|allow|1")],
  [rules.apiDefault, origin("ingress", "app|np:prod-shop/app.api|deny|-1")],
  [rules.profileIn, origin("ingress", "__PROFILE__|pro:kns|allow|0")],
  [rules.devNotNode, origin("ingress", "security|gnp:security.dev-not-node|deny|0")],
  [rules.failsafe, origin("ingress", "__FAILSAFE__|failsafe:failsafe|allow|3")],
  [rules.podToHost, origin("ingress", "__SETTING__|setting:podToHost|deny|-1")],
  [rules.hostProfileOut, origin("egress", "__PROFILE__|pro:projectcalico-default-allow|allow|0")],
]);
const past: Program = program("then", [[rules.oldApi, origin("ingress", "app|np:prod-shop/app.api|allow|0")]]);

const texts = {
  profileOut: "0|__PROFILE__|pro:kns.dev-shop|allow|0",
  passIn: "0|security|gnp:security.pci|pass|2",
  api: "1|app|np:prod-shop/app.api|allow|1",
  apiDefault: "1|app|np:prod-shop/app.api|deny|-1",
};

const web = pod("dev-shop/web", {}, "node-1");
const api = pod("prod-shop/api", {}, "node-1");
const far = { ...web, node: "node-2" };
const farApi = { ...api, node: "node-2" };

const outProfile = path("egress", "pod:dev-shop/web", [[rules.profileOut, "allow"]]);
const outDenied = path("egress", "pod:dev-shop/web", [
  [rules.passDns, "pass"],
  [rules.devNotProd, "deny"],
]);
const inAllowed = path("ingress", "pod:prod-shop/api", [
  [rules.passIn, "pass"],
  [rules.api, "allow"],
]);
const inDenied = path("ingress", "pod:prod-shop/api", [
  [rules.passIn, "pass"],
  [rules.apiDefault, "deny"],
]);

interface Case {
  readonly title: string;
  readonly flow: RawFlow;
  readonly ends: Ends;
  readonly egress?: Path | null;
  readonly ingress?: Path | null;
  readonly hosts?: readonly HostPath[];
  readonly policy?: Partial<PolicyInForce> | "none";
  readonly verdict: Flow["verdictSource"];
  readonly enforced: readonly string[];
  readonly action?: Flow["action"];
  readonly revision?: string | null;
}

const across: Ends = { source: far, destination: api };
const within: Ends = { source: web, destination: api };
// node-1 and node-2 have a host endpoint each, `one` and `two`.
const toNode: Ends = { source: far, destination: nodeEndpoint("node-1") };
const nodeDenied = path("ingress", "host:one", [
  [rules.passIn, "pass"],
  [rules.devNotNode, "deny"],
]);
const passingBy = (endpoint: string, action: "allow" | "deny"): HostPath => ({
  ...path("ingress", endpoint, [[action === "deny" ? rules.devNotNode : rules.api, action]]),
  list: "forward",
});
const withHosts = { placement: placement(["pod:dev-shop/web", "pod:prod-shop/api"], { one: "node-1", two: "node-2" }) };
const labels = (egressRule: RuleId | null, ingressRule: RuleId | null) => rawFlow({ egressRule, ingressRule });

const { sourceAddress, destinationAddress } = rawFlow();
const announcer = { protocol: 6, sourceAddress, sourcePort: 40_000, destinationAddress, destinationPort: 21 };

const cases: readonly Case[] = [
  {
    title: "the kernel's rule, to which policy still leads, comes with the way there",
    flow: labels(null, rules.api),
    ends: across,
    egress: outProfile,
    ingress: inAllowed,
    verdict: "kernel",
    enforced: [texts.passIn, texts.api],
  },
  {
    title: "within a node both ways are told, egress first, each counted from 0",
    flow: labels(rules.profileOut, rules.api),
    ends: within,
    egress: outProfile,
    ingress: inAllowed,
    verdict: "kernel",
    enforced: [texts.profileOut, texts.passIn, texts.api],
  },
  {
    title: "what another connection announced passed without a policy, whatever one says",
    flow: rawFlow({ related: announcer }),
    ends: across,
    ingress: inDenied,
    verdict: "evaluated",
    enforced: [],
  },
  {
    title: "if policy leads elsewhere by now the kernel's rule stands alone",
    flow: labels(null, rules.api),
    ends: across,
    ingress: inDenied,
    verdict: "kernel",
    enforced: ["0|app|np:prod-shop/app.api|allow|1"],
  },
  {
    title: "a rule of a past program is resolved, with the revision that held it",
    flow: labels(null, rules.oldApi),
    ends: across,
    ingress: inAllowed,
    verdict: "kernel",
    enforced: ["0|app|np:prod-shop/app.api|allow|0"],
    revision: "then",
  },
  {
    title: "a connection older than the enforcer is evaluated",
    flow: labels(null, null),
    ends: across,
    ingress: inAllowed,
    verdict: "evaluated",
    enforced: [texts.passIn, texts.api],
  },
  {
    title: "a mixed id that is no rule's is evaluated",
    flow: labels(null, id(0x7777)),
    ends: across,
    ingress: inAllowed,
    verdict: "evaluated",
    enforced: [texts.passIn, texts.api],
  },
  {
    title: "an id that would be a rule of the other direction is evaluated",
    flow: labels(null, rules.profileOut),
    ends: across,
    ingress: inAllowed,
    verdict: "evaluated",
    enforced: [texts.passIn, texts.api],
  },
  {
    title: "an id that would be a rule that denies did not allow",
    flow: labels(null, rules.apiDefault),
    ends: across,
    ingress: inAllowed,
    verdict: "evaluated",
    enforced: [texts.passIn, texts.api],
  },
  {
    title: "one direction from the kernel and one evaluated are evaluated",
    flow: labels(null, rules.api),
    ends: within,
    egress: outProfile,
    ingress: inAllowed,
    verdict: "evaluated",
    enforced: [texts.profileOut, texts.passIn, texts.api],
  },
  {
    title: "what an observing node let pass shows where policy would have denied",
    flow: labels(null, null),
    ends: within,
    egress: outDenied,
    ingress: null,
    verdict: "evaluated",
    enforced: ["0|platform|gnp:platform.dns|pass|1", "1|security|gnp:security.dev-not-prod|deny|0"],
  },
  {
    title: "the source's node tells egress only",
    flow: labels(rules.profileOut, null),
    ends: { source: web, destination: farApi },
    egress: outProfile,
    ingress: inAllowed,
    verdict: "kernel",
    enforced: [texts.profileOut],
  },
  {
    title: "a denial at egress",
    flow: rawDenial("egress", { egressRule: rules.devNotProd }),
    ends: within,
    egress: outDenied,
    verdict: "kernel",
    action: "deny",
    enforced: ["0|platform|gnp:platform.dns|pass|1", "1|security|gnp:security.dev-not-prod|deny|0"],
  },
  {
    title: "a denial at ingress within a node comes with the egress that must have allowed it",
    flow: rawDenial("ingress", { ingressRule: rules.apiDefault }),
    ends: within,
    egress: outProfile,
    ingress: inDenied,
    verdict: "kernel",
    action: "deny",
    enforced: [texts.profileOut, texts.passIn, texts.apiDefault],
  },
  {
    title: "a denial at ingress whose egress would be denied by now tells ingress only",
    flow: rawDenial("ingress", { ingressRule: rules.apiDefault }),
    ends: within,
    egress: outDenied,
    ingress: null,
    verdict: "kernel",
    action: "deny",
    enforced: ["0|app|np:prod-shop/app.api|deny|-1"],
  },
  {
    title: "a denial whose rule nobody knows and that policy does not explain stays unexplained",
    flow: rawDenial("ingress", { ingressRule: id(0x7777) }),
    ends: across,
    ingress: inAllowed,
    verdict: "unknown",
    action: "deny",
    enforced: [],
  },
  {
    title: "a denial whose rule nobody knows is evaluated if policy denies it too",
    flow: rawDenial("ingress", { ingressRule: id(0x7777) }),
    ends: across,
    ingress: inDenied,
    verdict: "evaluated",
    action: "deny",
    enforced: [texts.passIn, texts.apiDefault],
  },
  {
    title: "a spoofed source is the kernel's own decision",
    flow: rawDenial("egress", { reason: "spoofed" }),
    ends: { source: unknown, destination: api },
    egress: null,
    ingress: null,
    verdict: "kernel",
    action: "deny",
    enforced: [],
  },
  {
    title: "without policies the kernel's rule is not resolved",
    flow: labels(null, id(0x7777)),
    ends: across,
    policy: "none",
    verdict: "unknown",
    enforced: [],
    revision: null,
  },
  {
    title: "what has no policy is evaluated to nothing",
    flow: labels(null, null),
    ends: { source: nodeEndpoint("node-1"), destination: network },
    egress: null,
    ingress: null,
    verdict: "evaluated",
    enforced: [],
  },
  {
    title: "an evaluation of the pod that has the address now says nothing of the one that had it",
    flow: labels(null, null),
    ends: { source: far, destination: pod("prod-shop/api-before", {}, "node-1") },
    ingress: inAllowed,
    verdict: "unknown",
    enforced: [],
  },
  {
    title: "no path of an endpoint that the evaluator does not know is no answer",
    flow: labels(null, null),
    ends: across,
    ingress: null,
    policy: { placement: placement([]) },
    verdict: "unknown",
    enforced: [],
  },
  {
    title: "no path of an endpoint that the evaluator knows is an answer",
    flow: labels(null, null),
    ends: across,
    ingress: null,
    policy: { placement: placement(["pod:prod-shop/api"]) },
    verdict: "evaluated",
    enforced: [],
  },
  {
    title: "ingress is not asked when the remote egress would be denied, so nothing is known of it",
    flow: labels(null, null),
    ends: across,
    egress: outDenied,
    ingress: null,
    verdict: "unknown",
    enforced: [],
  },
  {
    title: "what the host endpoint of a node denies comes with the way there",
    flow: rawDenial("ingress", { ingressRule: rules.devNotNode }),
    ends: toNode,
    egress: outProfile,
    ingress: nodeDenied,
    policy: withHosts,
    verdict: "kernel",
    action: "deny",
    enforced: [texts.passIn, "1|security|gnp:security.dev-not-node|deny|0"],
  },
  {
    title: "what a process of a node sends is told by the rule that its host endpoint let it pass with",
    flow: labels(rules.hostProfileOut, null),
    ends: { source: nodeEndpoint("node-1"), destination: network },
    egress: path("egress", "host:one", [[rules.hostProfileOut, "allow"]]),
    policy: withHosts,
    verdict: "kernel",
    enforced: ["0|__PROFILE__|pro:projectcalico-default-allow|allow|0"],
  },
  {
    title: "a failsafe port is told as what it is",
    flow: labels(null, rules.failsafe),
    ends: toNode,
    hosts: [{ ...path("ingress", "host:one", [[rules.failsafe, "allow"]]), list: "failsafe" }],
    policy: withHosts,
    verdict: "kernel",
    enforced: ["0|__FAILSAFE__|failsafe:failsafe|allow|3"],
  },
  {
    title: "that a pod may not reach its own node is told by the setting",
    flow: rawDenial("ingress", { ingressRule: rules.podToHost }),
    ends: toNode,
    egress: outProfile,
    hosts: [{ ...path("ingress", "pod:dev-shop/web", [[rules.podToHost, "deny"]]), list: "toOwnNode" }],
    verdict: "kernel",
    action: "deny",
    enforced: ["0|__SETTING__|setting:podToHost|deny|-1"],
  },
  {
    title: "and comes after what a preDNAT list allows",
    flow: rawDenial("ingress", { ingressRule: rules.podToHost }),
    ends: toNode,
    egress: outProfile,
    hosts: [
      { ...path("ingress", "host:one", [[rules.api, "allow"]]), list: "preDnat" },
      { ...path("ingress", "pod:dev-shop/web", [[rules.podToHost, "deny"]]), list: "toOwnNode" },
    ],
    policy: withHosts,
    verdict: "kernel",
    action: "deny",
    enforced: ["0|__SETTING__|setting:podToHost|deny|-1"],
  },
  {
    title: "what another list of a node's host endpoint allows is evaluated, as the kernel does not say so",
    flow: labels(null, null),
    ends: toNode,
    hosts: [{ ...path("ingress", "host:one", [[rules.api, "allow"]]), list: "preDnat" }],
    policy: withHosts,
    verdict: "evaluated",
    enforced: ["0|app|np:prod-shop/app.api|allow|1"],
  },
  {
    title: "on its way to a pod a packet is denied by the host endpoint of the pod's node",
    flow: rawDenial("ingress", { ingressRule: rules.devNotNode }),
    ends: across,
    egress: outProfile,
    hosts: [passingBy("host:one", "deny")],
    policy: withHosts,
    verdict: "kernel",
    action: "deny",
    enforced: ["0|security|gnp:security.dev-not-node|deny|0"],
  },
  {
    title: "what a host endpoint lets pass to a pod is not told: the pod decides",
    flow: labels(null, rules.api),
    ends: across,
    ingress: inAllowed,
    hosts: [passingBy("host:one", "allow")],
    policy: withHosts,
    verdict: "kernel",
    enforced: [texts.passIn, texts.api],
  },
  {
    title: "a denial is not told by the path of another node's host endpoint",
    flow: rawDenial("ingress", { ingressRule: id(0x7777) }),
    ends: across,
    egress: outProfile,
    hosts: [passingBy("host:two", "deny")],
    policy: withHosts,
    verdict: "unknown",
    action: "deny",
    enforced: [],
  },
  {
    title: "a node that only passes packets on decides nothing",
    flow: labels(null, null),
    ends: { source: far, destination: farApi },
    egress: outProfile,
    ingress: inAllowed,
    verdict: "evaluated",
    enforced: [],
  },
  {
    title: "a step whose rule nobody can name keeps its id",
    flow: labels(null, null),
    ends: across,
    ingress: path("ingress", "pod:prod-shop/api", [[id(0x99), "allow"]]),
    verdict: "evaluated",
    enforced: ["0|__UNKNOWN__|unknown:0000000000000099|allow|-2"],
  },
];

describe("enrichers/verdict", () => {
  for (const each of cases) {
    const { title, flow, ends, egress = null, ingress = null, hosts = [], policy, verdict, enforced } = each;
    it(title, () => {
      const book = new RuleBook();
      for (const known of [past, current]) book.remember(known);
      const evaluate = () => ({ ...verdictOf(egress, ingress), hosts });
      const inForce = { program: current, evaluate, mode: () => "enforced" as const };
      const decision = decide(flow, ends, policy === "none" ? undefined : { ...inForce, ...policy }, book);
      assert.deepEqual(decision, {
        action: each.action ?? "allow",
        verdictSource: verdict,
        programRevision: each.revision === undefined ? "now" : each.revision,
        enforced,
      });
    });
  }
});

function program(revision: string, entries: readonly (readonly [RuleId, RuleOrigin])[]): Program {
  return { revision, sets: new Map(), blocks: new Map(), applies: [], rules: new Map(entries), notEnforced: [] };
}

/** `hosts`: names of host endpoints, and the node that each is on. */
function placement(ids: readonly string[], hosts: Readonly<Record<string, string>> = {}): Placement {
  const endpoints = new Map(ids.map((each) => [each as EndpointId, {} as Endpoint]));
  for (const [name, node] of Object.entries(hosts)) {
    const host = `host:${name}` as EndpointId;
    endpoints.set(host, { id: host, kind: "host", name, node } as Endpoint);
  }
  return { classOf: new Map(), classes: new Map(), members: new Map(), endpoints };
}

function path(direction: Direction, endpoint: string, steps: readonly (readonly [RuleId, Step["action"]])[]): Path {
  const [rule, action] = steps.at(-1) as readonly [RuleId, "allow" | "deny"];
  const told = steps.map(([step, taken]) => ({ rule: step, action: taken }));
  return { endpoint: endpoint as EndpointId, direction, action, rule, steps: told };
}

function verdictOf(egress: Path | null, ingress: Path | null): Verdict {
  const denied = egress?.action === "deny" || ingress?.action === "deny";
  return { action: denied ? "deny" : "allow", egress, ingress, hosts: [], exempt: null };
}

const modes: readonly {
  readonly title: string;
  readonly flow: RawFlow;
  readonly ends: Ends;
  readonly mode: Flow["mode"];
}[] = [
  {
    title: "of an enforced pod that sends",
    flow: rawFlow(),
    ends: { source: web, destination: farApi },
    mode: "enforced",
  },
  {
    title: "to an observed pod from elsewhere",
    flow: rawFlow(),
    ends: { source: far, destination: api },
    mode: "observed",
  },
  { title: "within a node if one end is observed", flow: rawFlow(), ends: within, mode: "observed" },
  { title: "that a kernel denied, whoever is observed", flow: rawDenial("ingress"), ends: within, mode: "enforced" },
  {
    title: "that passes through, by the node",
    flow: rawFlow(),
    ends: { source: far, destination: farApi },
    mode: "enforced",
  },
  {
    title: "with the node itself, by the node",
    flow: rawFlow(),
    ends: { source: nodeEndpoint("node-1"), destination: network },
    mode: "enforced",
  },
];

describe("the mode of a flow", () => {
  const mode: PolicyInForce["mode"] = (_, namespace) => (namespace === "prod-shop" ? "observed" : "enforced");
  const policy: PolicyInForce = { program: current, evaluate: () => assert.fail("nobody asked"), mode };
  for (const { title, flow, ends, mode } of modes) it(title, () => assert.equal(modeOf(flow, ends, policy), mode));
});
