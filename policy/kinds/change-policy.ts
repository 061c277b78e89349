import { z } from "zod";
import { parseTime } from "../../core/clock.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Read } from "../model.ts";
import { parseValuePattern, type ValuePattern } from "../taxonomy/pattern.ts";
import { type ChangeWindow, changeWindow, readWindow } from "./change-window.ts";
import { parsed, textLike, tierName } from "./fields.ts";
import { asAtomic, asSet, constrained } from "./openapi.ts";
import { readWith } from "./reading.ts";

/** controls.sluice.dev/v1alpha1 ChangePolicy: who may change which controls, when, and on what conditions. */
export interface ChangePolicy {
  readonly name: string;
  /** Changes it is about: those of any of these. Empty: all. */
  readonly appliesTo: readonly ChangeScope[];
  /** A change is allowed if it is by any of these. */
  readonly allow: readonly Allowance[];
  /** When nothing is allowed. */
  readonly freezes: readonly Freeze[];
}

/** Empty parts do not restrict; all others must hold. */
export interface ChangeScope {
  readonly kinds: readonly string[];
  readonly tiers: readonly string[];
  readonly namespaces: readonly string[];
}

export interface Allowance {
  /** Null: anybody who is known. */
  readonly actors: People | null;
  /** Empty: always. */
  readonly windows: readonly ChangeWindow[];
  readonly ticket: Ticket | null;
  readonly approval: Approval | null;
}

export interface People {
  /** Names as the API server knows them, those of service accounts among them. */
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

export interface Ticket {
  readonly annotation: string;
  readonly pattern: ValuePattern;
  /** Whether each change needs another one than the last. */
  readonly fresh: boolean;
}

export interface Approval {
  readonly annotation: string;
  /** Null: anybody else. */
  readonly approvers: People | null;
  readonly withinMs: number;
}

/** Milliseconds since the epoch. */
export interface Freeze {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

// What comes into records is of one line.
const someone = (what: string) => textLike(/^[^\p{Cc}\p{Cs}]{1,253}$/u, `name of a ${what}`).max(253);
const name = textLike(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "name of an object").max(253);
const kind = textLike(/^[A-Z][A-Za-z0-9]*$/, "kind such as GlobalNetworkPolicy").max(63);
// k8s.io/apimachinery/pkg/util/validation
const annotation = textLike(
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
  "key of an annotation",
).max(317);
const moment = parsed((text) => {
  const ms = parseTime(text);
  if (ms === undefined) throw new Error(`"${text}" is no time: write it as 2026-12-24T00:00:00Z`);
  return ms;
}, z.string().max(40));

const people = constrained(
  z.strictObject({
    users: asSet(z.array(someone("user")).max(64)).optional(),
    groups: asSet(z.array(someone("group")).max(64)).optional(),
    serviceAccounts: asAtomic(z.array(z.strictObject({ namespace: name, name })).max(64)).optional(),
  }),
  [
    {
      message: "names nobody",
      holds: ({ users = [], groups = [], serviceAccounts = [] }) =>
        users.length + groups.length + serviceAccounts.length > 0,
      cel: "(has(self.users) && size(self.users) > 0) || (has(self.groups) && size(self.groups) > 0) || (has(self.serviceAccounts) && size(self.serviceAccounts) > 0)",
    },
  ],
);

const scope = z.strictObject({
  kinds: asSet(z.array(kind).max(64)).optional().describe("GlobalNetworkPolicy, Tier, ClusterRoleBinding, …"),
  tiers: asSet(z.array(tierName).max(64)).optional().describe("Policies of these tiers, and the tiers themselves."),
  namespaces: asSet(z.array(name).max(256)).optional().describe("Objects in these, and the namespaces themselves."),
});

const ticket = z.strictObject({
  annotation,
  pattern: parsed(parseValuePattern, z.string().min(1).max(256)).describe(
    "A simple regular expression for the whole value: CHG[0-9]{7}.",
  ),
  fresh: z.boolean().default(false).describe("Whether each change needs another ticket than the last."),
});

const approval = z.strictObject({
  annotation: annotation.describe("By which somebody else approves the next change, or the last."),
  approvers: people.optional().describe("Without it, anybody else."),
  withinMinutes: z.int().min(1).max(43_200).default(1_440).describe("How long before or after the change."),
});

const allowance = z.strictObject({
  actors: people.optional().describe("Without it, anybody who is known."),
  windows: asAtomic(z.array(changeWindow).max(16))
    .optional()
    .describe("One of them must be open; without any, always."),
  ticket: ticket.optional(),
  approval: approval.optional(),
});

const freeze = constrained(
  z.strictObject({
    from: moment,
    to: moment,
    reason: z.string().max(256).default(""),
  }),
  [{ message: "is not after from", at: ["to"], holds: ({ from, to }) => to > from }],
);

export const changePolicySpec = z.strictObject({
  appliesTo: asAtomic(z.array(scope).max(64))
    .optional()
    .describe("The changes it is about, those of any of these; without it, all."),
  allow: asAtomic(z.array(allowance).min(1).max(32)).describe("By any of these a change is authorised."),
  freezes: asAtomic(z.array(freeze).max(64)).optional().describe("When nothing is authorised."),
});

export function readChangePolicy(object: KubeObject): Read<ChangePolicy> {
  const read = readWith(changePolicySpec, object["spec"] ?? {}, "spec");
  if ("problems" in read) return read;
  const { appliesTo = [], allow, freezes = [] } = read.value;
  return {
    value: {
      name: object.metadata.name,
      appliesTo: appliesTo.map(({ kinds = [], tiers = [], namespaces = [] }) => ({ kinds, tiers, namespaces })),
      allow: allow.map(readAllowance),
      freezes,
    },
  };
}

function readAllowance({ actors, windows = [], ticket, approval }: z.output<typeof allowance>): Allowance {
  return {
    actors: peopleOf(actors),
    windows: windows.map(readWindow),
    ticket: ticket ?? null,
    approval:
      approval === undefined
        ? null
        : {
            annotation: approval.annotation,
            approvers: peopleOf(approval.approvers),
            withinMs: approval.withinMinutes * 60_000,
          },
  };
}

function peopleOf(given: z.output<typeof people> | undefined): People | null {
  if (given === undefined) return null;
  const { users = [], groups = [], serviceAccounts = [] } = given;
  const accounts = serviceAccounts.map(({ namespace, name }) => `system:serviceaccount:${namespace}:${name}`);
  return { users: [...users, ...accounts], groups };
}
