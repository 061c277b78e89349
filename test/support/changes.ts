import type { Actor, ChangeRecord } from "../../core/records/change.ts";
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
