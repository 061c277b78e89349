import { contentHash } from "../../policy/hash.ts";
import type { World } from "../../policy/world.ts";

/** Equal of two worlds in which the same policies apply to the same pods, by whatever way they came there. */
export function fingerprintOf(world: World): string {
  const endpoints = [...world.placement().endpoints.values()]
    .map(({ id, node, addresses, labels, ports }) => contentHash({ id, node, addresses, labels, ports }, 16))
    .sort();
  return contentHash([world.program().revision, endpoints], 32);
}
