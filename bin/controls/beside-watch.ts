import { StatusWriter } from "../../controls/object-status/status-writer.ts";
import type { Beside, BesideRim } from "../bus/bus-engine.ts";
import { openApi } from "../objects/open-objects.ts";
import { together } from "../together.ts";
import { keepTaxonomies } from "./keep-taxonomies.ts";
import { openTierHolder } from "./tier-holder.ts";

/** What the watcher keeps true in the API server that it reads. */
export function besideWatch(rim: BesideRim): Beside {
  const { config, clock, log, metrics } = rim;
  const statuses = new StatusWriter({ api: openApi(config), clock, log: log.child({ part: "status" }), metrics });
  const tiers = openTierHolder({ config, clock, log: log.child({ part: "tiers" }) });
  return {
    onObjects: (changes, wanted) => statuses.take(changes, wanted),
    run: (until) =>
      together(until, [(stop) => keepTaxonomies(rim, stop), (stop) => statuses.run(stop), (stop) => tiers.run(stop)]),
  };
}
