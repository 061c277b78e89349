import assert from "node:assert/strict";
import { type ChangePolicies, judge } from "../../controls/authority/judge.ts";
import type { JudgedChange, ReasonCode } from "../../controls/authority/judged.ts";
import { Past } from "../../controls/authority/past.ts";
import { noEvidence } from "../../controls/evidence/sighting.ts";
import { parseTime } from "../../core/clock.ts";
import { type ChangePolicy, readChangePolicy } from "../../policy/kinds/change-policy.ts";
import { deed, type GivenDeed } from "./deeds.ts";

const at = (text: string): number => parseTime(text) ?? assert.fail(text);
/** A Wednesday. */
const now = at("2026-12-02T10:00:00Z");

function policy(spec: object, name = "p"): ChangePolicy {
  const metadata = { name };
  const read = readChangePolicy({ apiVersion: "controls.sluice.dev/v1alpha1", kind: "ChangePolicy", metadata, spec });
  return "value" in read ? read.value : assert.fail(JSON.stringify(read.problems));
}

interface Given extends Omit<Partial<JudgedChange>, "evidence"> {
  /** Who did it; null: nobody told. */
  readonly by?: GivenDeed | null;
  readonly also?: readonly GivenDeed[];
}

let count = 0;

function change({ by = {}, also = [], ...given }: Given = {}): JudgedChange {
  count += 1;
  const known = { certainty: "exact", deed: deed({ to: now, ...by }), also: also.map(deed), cause: null } as const;
  return {
    id: `change-${count}`,
    kind: "GlobalNetworkPolicy",
    namespace: null,
    name: "security.base",
    uid: "u1",
    tiers: ["security"],
    before: {},
    after: {},
    touchesContent: true,
    refused: false,
    foundAt: now,
    evidence: by === null ? noEvidence : known,
    ...given,
  };
}

const policies = (...specs: readonly object[]): ChangePolicies => ({
  readable: specs.map((spec, index) => policy(spec, `p${index}`)),
  unreadable: [],
});

interface Case {
  readonly title: string;
  readonly specs: readonly object[];
  readonly given?: Given;
  readonly is: readonly [authorised: "yes" | "no" | "unknown", ...codes: ReasonCode[]];
}

const anyone = { allow: [{}] };
const ann = { allow: [{ actors: { users: ["ann"] } }] };
const office = { from: "09:00", to: "17:00", days: ["Mon", "Tue", "Wed", "Thu", "Fri"], timeZone: "Europe/Berlin" };
const ticket = { annotation: "example.com/ticket", pattern: "CHG[0-9]{4}" };
const withTicket = (value: string) => ({ "example.com/ticket": value });
const freeze = { from: "2026-12-01T00:00:00Z", to: "2026-12-03T00:00:00Z", reason: "audit week" };

const cases: readonly Case[] = [
  { title: "nobody has said anything", specs: [], is: ["unknown", "noPolicy"] },
  {
    title: "what was said is about another kind",
    specs: [{ ...ann, appliesTo: [{ kinds: ["Tier"] }] }],
    is: ["unknown", "noPolicy"],
  },
  {
    title: "what was said is about another tier",
    specs: [{ ...ann, appliesTo: [{ tiers: ["app"] }] }],
    is: ["unknown", "noPolicy"],
  },
  {
    title: "what was said is about namespaces, and it is in none",
    specs: [{ ...ann, appliesTo: [{ namespaces: ["prod"] }] }],
    is: ["unknown", "noPolicy"],
  },
  {
    title: "it is the namespace itself that was spoken of",
    specs: [{ ...ann, appliesTo: [{ namespaces: ["prod"] }] }],
    given: { kind: "Namespace", name: "prod", tiers: [] },
    is: ["yes", "allowed"],
  },
  {
    title: "its tier was spoken of",
    specs: [{ ...ann, appliesTo: [{ kinds: ["Tier"] }, { tiers: ["security"] }] }],
    is: ["yes", "allowed"],
  },
  {
    title: "the tier that it left was spoken of, by one who says no",
    specs: [
      { ...ann, appliesTo: [{ tiers: ["security"] }] },
      { ...anyone, appliesTo: [{ tiers: ["app"] }] },
    ],
    given: { tiers: ["security", "app"], by: { user: "bob" } },
    is: ["no", "actor"],
  },
  { title: "nobody told who did it", specs: [anyone], given: { by: null }, is: ["no", "unknownActor"] },
  { title: "anybody may, and somebody did", specs: [anyone], is: ["yes", "allowed"] },
  { title: "the user may", specs: [ann], is: ["yes", "allowed"] },
  { title: "another user may", specs: [ann], given: { by: { user: "bob" } }, is: ["no", "actor"] },
  {
    title: "the user acts as one who may",
    specs: [ann],
    given: { by: { user: "bob", who: { impersonated: "ann" } } },
    is: ["no", "actor"],
  },
  {
    title: "a group of the user may",
    specs: [{ allow: [{ actors: { groups: ["sec"] } }] }],
    given: { by: { who: { groups: ["x", "sec"] } } },
    is: ["yes", "allowed"],
  },
  {
    title: "the service account may",
    specs: [{ allow: [{ actors: { serviceAccounts: [{ namespace: "flux", name: "sync" }] } }] }],
    given: { by: { user: "system:serviceaccount:flux:sync" } },
    is: ["yes", "allowed"],
  },
  { title: "somebody else had a hand in it", specs: [ann], given: { also: [{ user: "bob" }] }, is: ["no", "actor"] },
  { title: "the API server refused it", specs: [ann], given: { refused: true }, is: ["no", "refused"] },
  { title: "it is within the windows", specs: [{ allow: [{ windows: [office] }] }], is: ["yes", "allowed"] },
  {
    title: "it is outside of the windows",
    specs: [{ allow: [{ windows: [office] }] }],
    given: { by: { to: at("2026-12-02T16:00:00Z") } },
    is: ["no", "window"],
  },
  { title: "changes are frozen", specs: [{ ...ann, freezes: [freeze] }], is: ["no", "freeze"] },
  {
    title: "changes are frozen no more",
    specs: [{ ...ann, freezes: [freeze] }],
    given: { by: { to: at("2026-12-03T00:00:00Z") } },
    is: ["yes", "allowed"],
  },
  { title: "it has no ticket", specs: [{ allow: [{ ticket }] }], is: ["no", "ticket"] },
  {
    title: "it has a ticket",
    specs: [{ allow: [{ ticket }] }],
    given: { after: withTicket("CHG1234") },
    is: ["yes", "allowed"],
  },
  {
    title: "its ticket is none",
    specs: [{ allow: [{ ticket }] }],
    given: { after: withTicket("CHG12345") },
    is: ["no", "ticket"],
  },
  {
    title: "what is deleted had a ticket",
    specs: [{ allow: [{ ticket }] }],
    given: { before: withTicket("CHG1234"), after: null },
    is: ["yes", "allowed"],
  },
  {
    title: "its ticket is that of the last change, and may not be",
    specs: [{ allow: [{ ticket: { ...ticket, fresh: true } }] }],
    given: { before: withTicket("CHG1234"), after: withTicket("CHG1234") },
    is: ["no", "ticket"],
  },
  {
    title: "all that is missing is told",
    specs: [{ allow: [{ ticket, windows: [office], actors: { users: ["ann"] } }] }],
    given: { by: { user: "bob", to: at("2026-12-05T10:00:00Z") } },
    is: ["no", "actor", "window", "ticket"],
  },
  {
    title: "one of two ways leads there",
    specs: [{ allow: [{ actors: { users: ["bob"] } }, { ticket }] }],
    given: { after: withTicket("CHG0001") },
    is: ["yes", "allowed"],
  },
  {
    title: "of two ways the one that was meant for the user tells what is missing",
    specs: [{ allow: [{ actors: { users: ["bob"] } }, { actors: { users: ["ann"] }, ticket }] }],
    is: ["no", "ticket"],
  },
  { title: "one of two policies does not allow it", specs: [ann, { allow: [{ ticket }] }], is: ["no", "ticket"] },
];

describe("a change is judged, where", () => {
  for (const { title, specs, given, is } of cases)
    it(title, () => {
      const { authorised, reasons } = judge(change(given), policies(...specs), []);
      assert.deepEqual([authorised, ...reasons.map(({ code }) => code)], is);
    });

  it("a policy cannot be read, as if that allowed nothing", () => {
    const { authorised, reasons } = judge(change(), { ...policies(ann), unreadable: ["broken"] }, []);
    assert.deepEqual([authorised, reasons[0]?.text], ["no", "ChangePolicy broken cannot be read"]);
  });

  it("in words that say by which policy, and who", () => {
    const given = { by: { user: "bob", who: { impersonated: "root" }, to: at("2026-12-05T10:00:00Z") } };
    const spec = { allow: [{ windows: [office], actors: { users: ["ann"] } }] };
    assert.deepEqual(
      judge(change(given), policies(spec), []).reasons.map(({ text }) => text),
      [
        "ChangePolicy p0: bob as root is not among its actors",
        "ChangePolicy p0: outside of its windows: Mon Tue Wed Thu Fri 09:00-17:00 Europe/Berlin",
      ],
    );
  });
});

const approval = { annotation: "example.com/approved", approvers: { groups: ["leads"] }, withinMinutes: 60 };
const fourEyes = policies({ allow: [{ actors: { users: ["ann"] }, approval }] });
const approvedBy = (text: string) => ({ "example.com/approved": text });
const minutes = 60_000;

/** Changes of one object, one after the other, as they are judged. */
function story(changes: readonly Given[], by: ChangePolicies): readonly string[] {
  const past = new Past();
  return changes.map((given) => {
    const one = change(given);
    const judgement = judge(one, by, past.of(one.uid));
    past.add(one, judgement);
    return [judgement.authorised, ...judgement.reasons.map(({ code }) => code)].join(" ");
  });
}

const lead = { user: "lea", who: { groups: ["leads"] } };
const approve = (by: GivenDeed, value = "yes"): Given => ({ by, after: approvedBy(value), touchesContent: false });
const edit = (by: GivenDeed = {}, value = "yes"): Given => ({
  by,
  before: approvedBy(value),
  after: approvedBy(value),
});

const stories: readonly {
  readonly title: string;
  readonly changes: readonly Given[];
  readonly are: readonly string[];
  /** Else four eyes, and nothing else. */
  readonly by?: ChangePolicies;
}[] = [
  { title: "nobody approved it", changes: [fresh()], are: ["no approval"] },
  { title: "somebody else approved it before", changes: [approve(lead), edit()], are: ["yes approves", "yes allowed"] },
  {
    title: "one approval is for one change",
    changes: [approve(lead), edit(), edit()],
    are: ["yes approves", "yes allowed", "no approval"],
  },
  {
    title: "whoever does it approved it",
    changes: [approve({ who: { groups: ["leads"] } }), edit()],
    are: ["yes approves", "no approval"],
  },
  {
    title: "it sets its own approval",
    changes: [{ after: approvedBy("yes") }],
    are: ["no approval"],
  },
  {
    title: "whoever approved it may not",
    changes: [approve({ user: "tom" }), edit()],
    are: ["no actor approval", "no approval"],
  },
  {
    title: "nobody knows who approved it",
    changes: [{ ...approve({}), by: null }, edit()],
    are: ["no unknownActor", "no approval"],
  },
  {
    title: "the approval is too old",
    changes: [approve({ ...lead, to: now - 61 * minutes }), edit()],
    are: ["yes approves", "no approval"],
  },
  {
    title: "the doer acts as the one who approved it",
    changes: [approve(lead), edit({ who: { impersonated: "lea" } })],
    are: ["yes approves", "no approval"],
  },
  {
    title: "it is approved afterwards",
    changes: [fresh(), approve({ ...lead, to: now + 5 * minutes })],
    are: ["no approval", "yes approves"],
  },
  {
    title: "somebody else had a hand in the approval",
    changes: [{ ...approve(lead), also: [{ user: "tom" }] }, edit()],
    are: ["no actor approval", "no approval"],
  },
  {
    title: "changes are frozen, to approve one as well",
    changes: [approve(lead)],
    are: ["no freeze"],
    by: policies({ allow: [{ approval }], freezes: [freeze] }),
  },
  {
    title: "changes are frozen by another policy than asks for the approval",
    changes: [approve(lead)],
    are: ["no freeze"],
    by: policies({ allow: [{ approval }] }, { ...anyone, freezes: [freeze] }),
  },
  {
    title: "another policy does not allow anything to who approves",
    changes: [approve(lead)],
    are: ["no actor"],
    by: policies({ allow: [{ approval }] }, ann),
  },
];

function fresh(): Given {
  return { before: null };
}

describe("with four eyes a change is judged, where", () => {
  for (const { title, changes, are, by = fourEyes } of stories)
    it(title, () => assert.deepEqual(story(changes, by), are));

  const afterwards: readonly {
    readonly title: string;
    readonly first: Given;
    readonly next: Given;
    readonly approves: boolean;
  }[] = [
    { title: "names what was approved", first: {}, next: approve({ ...lead, to: now + minutes }), approves: true },
    {
      title: "names nothing that is long past",
      first: {},
      next: approve({ ...lead, to: now + 61 * minutes }),
      approves: false,
    },
    {
      title: "names nothing that was not allowed to who did it",
      first: { by: { user: "tom" } },
      next: approve(lead),
      approves: false,
    },
    { title: "names nothing of the approver's own", first: { by: lead }, next: approve(lead), approves: false },
  ];
  for (const { title, first, next, approves } of afterwards)
    it(`an approval ${title}`, () => {
      const [past, one, two] = [new Past(), change(first), change(next)];
      past.add(one, judge(one, fourEyes, []));
      assert.equal(judge(two, fourEyes, past.of(two.uid)).approves, approves ? one.id : null);
    });
});
