import type { Actor, ChangeRecord, ControlChange } from "../../core/records/change.ts";
import { seconds } from "./flows.ts";

export const nftActor: Actor = {
  pid: 4711,
  program: "nft",
  commandLine: "nft delete rule inet sluice egress_forward handle 7",
  uid: 0,
  user: "root",
  login: null,
  container: null,
  ancestors: ["bash (pid 812)"],
};

/** A rule that somebody deleted on node-1 in the first second, put back 34 ms after it was found. */
export function change(parts: Partial<ChangeRecord> = {}): ChangeRecord {
  return {
    id: "0123456789abcdef0123456789abcdef",
    cluster: "lab",
    node: "node-1",
    kind: "tamper",
    start: seconds(0),
    foundAt: seconds(0) + 2_000,
    end: seconds(0) + 36_000,
    actor: nftActor,
    object: "table inet sluice",
    summary: "removed 1 rule of chain egress_forward",
    diff: ["- chain egress_forward, rule 3 of 14: drop"],
    outcome: "repaired",
    outcomeDetail: "put back by 2 commands",
    request: null,
    control: null,
    ...parts,
  };
}

/** A policy of shop that somebody opened for dev in the first second. */
export function controlChange(parts: Partial<ControlChange> = {}, record: Partial<ChangeRecord> = {}): ChangeRecord {
  const control: ControlChange = {
    verb: "update",
    refused: false,
    foundAtStart: false,
    subject: "policy",
    apiVersion: "projectcalico.org/v3",
    kind: "NetworkPolicy",
    namespace: "shop",
    name: "app.db",
    uid: "u-1",
    resourceVersionBefore: "7",
    resourceVersionAfter: "8",
    before: '{"spec":{"order":1}}',
    after: '{"spec":{"order":2}}',
    diff: [{ path: "/spec/order", before: "1", after: "2" }],
    effect: [
      {
        kind: "opens",
        from: { ...nobody, words: "pods of namespace dev (1)", pods: ["pods of namespace dev"] },
        to: { ...nobody, words: "pods of namespace shop (1)", pods: ["pods of namespace shop"] },
        family: null,
        connections: "TCP 80",
      },
    ],
    effectState: "exact",
    moreOpens: 0,
    moreCloses: 0,
    effectWords: "opens: pods of namespace dev (1) -> pods of namespace shop (1): TCP 80",
    programBefore: "0000000000000001",
    programAfter: "0000000000000002",
    authorised: "no",
    reasons: ["outside of every change window"],
    notes: [],
    ...parts,
  };
  return change({
    ...{ kind: "control", node: null, actor: null, end: null, object: `${control.kind} shop/app.db`, diff: [] },
    ...{ summary: "changed spec/order of NetworkPolicy shop/app.db", outcome: "unknown", outcomeDetail: "", control },
    ...record,
  });
}

const nobody = { pods: [], nodes: [], hosts: [], networks: [], allNetworksBut: false };
