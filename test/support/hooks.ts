import type { Sighting } from "./simulate.ts";

export type Hook = Pick<Sighting, "hook" | "from" | "to">;

/** The hooks that a packet passes on a node, in order. `from` and `to` are names of interfaces, empty for the node itself. */
export function hooksThrough(from: string, to: string): readonly Hook[] {
  if (from === "")
    return [
      { hook: "output", from, to },
      { hook: "postrouting", from, to },
    ];
  const prerouting = { hook: "prerouting", from, to: "" } as const;
  if (to === "") return [prerouting, { hook: "input", from, to }];
  return [prerouting, { hook: "forward", from, to }, { hook: "postrouting", from, to }];
}

/** Where it begins and ends on the node: what a process sends to another passes the loopback interface. */
export function hooksWithin(from: string, to: string): readonly Hook[] {
  return from === "" && to === "" ? [...hooksThrough("", "lo"), ...hooksThrough("lo", "")] : hooksThrough(from, to);
}

/** The interfaces by which it comes in and goes out. */
export function linksOf(hooks: readonly Hook[]): { readonly in?: string; readonly out?: string } {
  const [from, to] = [hooks.find(({ from }) => from !== "")?.from, hooks.find(({ to }) => to !== "")?.to];
  return { ...(from === undefined ? {} : { in: from }), ...(to === undefined ? {} : { out: to }) };
}
