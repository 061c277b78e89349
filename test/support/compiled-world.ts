import { compile } from "../../policy/compile.ts";
import { place } from "../../policy/place.ts";
import type { Situation } from "../../policy/space/situation.ts";
import type { NaiveWorld } from "./naive-evaluator.ts";

/** What compiler and placement make of a world. */
export function compiledWorld({ tiers, policies, endpoints, services, podToHost = "policy" }: NaiveWorld): Situation {
  const program = compile(tiers, policies, { podToHost });
  return { program, placement: place(program, endpoints, services) };
}
