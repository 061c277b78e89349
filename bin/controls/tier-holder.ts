import { TierHolder } from "../../controls/tiers/tier-holder.ts";
import type { Clock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import type { Resource } from "../../core/kube/api/resource.ts";
import { ApiSource } from "../../core/kube/api/source.ts";
import type { Log } from "../../core/log.ts";
import { customResources, policyResources } from "../../policy/kinds/custom-resources.ts";
import { openApi } from "../objects/open-objects.ts";

export interface TierHolderRim {
  readonly config: Pick<Config, "objects">;
  readonly clock: Clock;
  readonly log: Log;
}

/** All that a finalizer is decided by; policies that are not valid hold their tier as well. */
const resources = [...customResources.filter(({ kind }) => kind === "Tier"), ...policyResources].map(
  ({ kind, plural }): Resource => ({
    ...{ apiVersion: "projectcalico.org/v3", kind, plural, isRequired: false },
    fields: {
      metadata: { name: true, namespace: true, uid: true, deletionTimestamp: true, finalizers: true },
      spec: { tier: true },
    },
  }),
);

/** Of the API server that the configuration names. Throws KUBE_FAILED where it names none. */
export function openTierHolder({ config, clock, log }: TierHolderRim): TierHolder {
  const api = openApi(config);
  const objects = new ApiSource({ api, resources, clock, log, random: Math.random });
  return new TierHolder({ api, objects, clock, log });
}
