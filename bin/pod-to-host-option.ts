import type { Option } from "commander";
import { choiceOption } from "./choice.ts";

/** For commands that ask about manifests, which do not tell the settings of the cluster. */
export function podToHostOption(): Option {
  const words = "what pods may send to their own node, as the cluster's setting enforcer.podToHost says";
  return choiceOption("--pod-to-host <what>", words, ["policy", "allow", "deny"]).default("policy");
}
