import assert from "node:assert/strict";
import type { Flow } from "../../../core/records/flow.ts";
import { tierOf } from "../../../sinks/live/decision.ts";
import { policyText, whyOf } from "../../../sinks/live/why.ts";
import { flow } from "../../support/flows.ts";

const { sourceAddress, destinationAddress } = flow();
const related = { protocol: 6, sourceAddress, sourcePort: 40_000, destinationAddress, destinationPort: 21 };
const profile = "0|__PROFILE__|pro:kns.dev|allow|0";
const rows: readonly {
  readonly title: string;
  readonly flow: Partial<Flow>;
  readonly why: string;
  readonly more?: string;
  readonly tier?: string;
  readonly passed?: readonly string[];
}[] = [
  {
    title: "a rule of a global policy, without the tier before its name",
    flow: { enforced: ["0|security|gnp:security.dev-not-prod|allow|0"] },
    why: "security / dev-not-prod / rule 0",
    tier: "security",
  },
  {
    title: "a rule of a policy of a namespace",
    flow: { enforced: ["0|app|np:prod-shop/app.api|allow|3"] },
    why: "app / prod-shop/api / rule 3",
    tier: "app",
  },
  {
    title: "a rule of a Kubernetes policy",
    flow: { enforced: ["0|default|knp:shop/allow-web|allow|0"] },
    why: "default / shop/allow-web / rule 0",
    tier: "default",
  },
  {
    title: "the tier's default",
    flow: { state: "denied", enforced: ["0|app|np:prod-shop/app.api|deny|-1"] },
    why: "app / default deny",
    more: "no rule of prod-shop/app.api matched",
    tier: "app",
  },
  {
    title: "a connection that was refused",
    flow: { enforced: ["0|app|np:prod-shop/app.api|allow|3"], state: "closed", endReason: "refused" },
    why: "app / prod-shop/api / rule 3",
    more: "refused",
    tier: "app",
  },
  {
    title: "one that staged policies would deny",
    flow: {
      enforced: ["0|app|np:prod-shop/app.api|allow|3"],
      pending: ["0|app|np:dev-shop/app.web|allow|0", "0|app|snp:prod-shop/app.api|deny|1"],
    },
    why: "app / prod-shop/api / rule 3",
    more: "staged policies would deny it: app / prod-shop/api / rule 1",
    tier: "app",
  },
  {
    title: "one that staged policies would allow as well",
    flow: {
      enforced: ["0|app|np:prod-shop/app.api|allow|3"],
      pending: ["0|app|snp:prod-shop/app.api|allow|1"],
    },
    why: "app / prod-shop/api / rule 3",
    tier: "app",
  },
  {
    title: "one that nobody answered so far",
    flow: { enforced: ["0|app|np:prod-shop/app.api|allow|3"], replied: false },
    why: "app / prod-shop/api / rule 3",
    more: "no answer yet",
    tier: "app",
  },
  {
    title: "one that another connection announced",
    flow: { enforced: [], verdictSource: "evaluated", related },
    why: "announced by a connection that passed",
  },
  {
    title: "one that ended well",
    flow: { enforced: ["0|app|np:prod-shop/app.api|allow|3"], state: "closed", endReason: "finished" },
    why: "app / prod-shop/api / rule 3",
    tier: "app",
  },
  { title: "the profile alone", flow: { enforced: [profile] }, why: "no policy applies", more: "profile kns.dev" },
  {
    title: "the profile after all tiers",
    flow: { enforced: ["0|platform|gnp:platform.dns|pass|1", "1|__PROFILE__|pro:kns.dev|allow|0"] },
    why: "all tiers passed",
    more: "profile kns.dev",
    passed: ["platform"],
  },
  {
    title: "the destination's rule before the source's",
    flow: { enforced: ["0|app|gnp:app.out|allow|1", "0|app|gnp:app.in|allow|2"] },
    why: "app / in / rule 2",
    tier: "app",
  },
  {
    title: "the source's rule before the destination's profile",
    flow: { enforced: ["0|app|gnp:app.out|allow|1", profile] },
    why: "app / out / rule 1",
    tier: "app",
  },
  { title: "no policy at all", flow: { enforced: [] }, why: "not subject to policy" },
  { title: "nothing known", flow: { enforced: [], verdictSource: "unknown" }, why: "rule not known" },
  { title: "a reason of the kernel", flow: { state: "denied", reason: "spoofed" }, why: "spoofed source address" },
  { title: "a reason of a later version", flow: { state: "denied", reason: "too-many" }, why: "too many" },
  {
    title: "a rule that nobody can name",
    flow: { enforced: ["0|__UNKNOWN__|unknown:0000000000000099|allow|-2"] },
    why: "rule not known",
    more: "0000000000000099",
    tier: "__UNKNOWN__",
  },
  {
    title: "an evaluated decision is marked",
    flow: { enforced: ["0|app|gnp:app.in|allow|2"], verdictSource: "evaluated" },
    why: "app / in / rule 2",
    more: "evaluated, not the kernel's word",
    tier: "app",
  },
  {
    title: "what an observing node let pass",
    flow: { enforced: ["0|app|gnp:app.in|deny|2"], verdictSource: "evaluated", mode: "observed" },
    why: "would be denied: app / in / rule 2",
    more: "evaluated, not the kernel's word",
    tier: "app",
  },
  {
    title: "texts that are no steps are passed over",
    flow: { enforced: ["", "0|x", "nonsense"] },
    why: "not subject to policy",
  },
];

describe("sinks/live/why", () => {
  for (const { title, flow: parts, why, more = "", tier, passed = [] } of rows) {
    it(title, () => {
      const each = flow(parts);
      assert.deepEqual({ ...whyOf(each), tier: tierOf(each) }, { short: why, more, passed, tier });
    });
  }

  it("counts by the whole name", () => {
    const denied = flow({ state: "denied", enforced: ["0|app|np:prod-shop/app.api|deny|-1"] });
    assert.equal(policyText(denied), "app / default deny (no rule of prod-shop/app.api matched)");
  });
});
