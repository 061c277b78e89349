import { isDeepStrictEqual } from "node:util";
import type { Packet } from "../../../policy/verdict.ts";
import { type Answer, answerOf, prefixOf } from "./answer.ts";
import type { Arrival, Sighting } from "./fleet.ts";
import type { Home, Layout } from "./layout.ts";

/**
 * The kernel's answer about a packet. Undefined where neither it arrived where it should nor one rule says that it dropped it: the kernel,
 * the ruleset or the harness is broken.
 */
export function replyOf(sighting: Sighting, { homes }: Layout, { destination }: Packet): Answer | undefined {
  const { arrived, labels } = sighting;
  const logs = sighting.logs.map(prefixOf).filter((prefix) => prefix !== undefined);
  const isRight = arrived === null || isDeepStrictEqual(arrived, endOf(homes.get(destination)));
  if (logs.length < sighting.logs.length || !isRight) return undefined;
  return answerOf({ logs, labels, dropped: arrived === null });
}

function endOf(home: Home | undefined): Arrival {
  if (home === undefined || home.at === "nowhere") return "outside";
  return home.at === "node" ? { at: "node", node: home.node } : home;
}
