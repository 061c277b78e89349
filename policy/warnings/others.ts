import { isOpenProfile } from "../kinds/host-endpoint.ts";
import type { Fact } from "../kinds/read.ts";
import type { Problem } from "../model.ts";

/** What is said and not enforced in objects that are no policies. */
export function otherProblems(fact: Fact): readonly Problem[] {
  if (fact.type === "networkSet" && fact.networkSet.domains.length > 0)
    return [
      { field: "spec.allowedEgressDomains", message: "cannot be enforced: no address is in the set because of them" },
    ];
  if (fact.type !== "hostEndpoint") return [];
  return fact.hostEndpoint.profiles.flatMap((profile, index) =>
    isOpenProfile(profile)
      ? []
      : [{ field: `spec.profiles[${index}]`, message: `profile ${profile} has no rules here: it allows nothing` }],
  );
}
