import assert from "node:assert/strict";
import { PodStarts } from "../../bin/pod-starts.ts";
import { parseAddress } from "../../core/address.ts";
import { isoTime } from "../../core/clock.ts";
import type { Change } from "../../core/kube/watch.ts";
import { podObject, remove, synced, upsert } from "../support/objects.ts";

const ip = "10.0.0.1";
const pod = (name: string, second: number | null, node = "node-1") =>
  podObject(`a/${name}`, {
    node,
    ips: [ip],
    ...(second === null ? {} : { started: isoTime(second * 1000) }),
  });

const cases: readonly (readonly [title: string, changes: readonly Change[], second: number | undefined])[] = [
  ["as its object says", [synced, upsert(pod("x", 5))], 5],
  ["not of one that does not say it", [upsert(pod("x", null))], undefined],
  ["not of one of another node", [upsert(pod("x", 5, "node-2"))], undefined],
  ["not of one that is gone", [upsert(pod("x", 5)), remove(pod("x", 5))], undefined],
  ["of who has the address now", [upsert(pod("x", 5)), upsert(pod("y", 9)), remove(pod("x", 5))], 9],
  ["of the younger one, who has the address already", [upsert(pod("y", 9)), upsert(pod("x", 5))], 9],
  [
    "not of one that has ended",
    [upsert(pod("x", 5)), upsert(podObject("a/x", { ips: [ip], phase: "Failed" }))],
    undefined,
  ],
];

describe("since when a pod runs", () => {
  for (const [title, changes, second] of cases)
    it(title, () => {
      const starts = new PodStarts(["node-1"]);
      starts.follow(changes);
      assert.equal(starts.startOf(parseAddress(ip)), second === undefined ? undefined : second * 1000);
    });
});
