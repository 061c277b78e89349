import { StatusWriter } from "../../controls/object-status/status-writer.ts";
import type { Beside, BesideRim } from "../bus/bus-engine.ts";
import { openApi } from "../objects/open-objects.ts";
import { together } from "../together.ts";
import { keepTaxonomies } from "./keep-taxonomies.ts";
import { ownKinds } from "./own-kinds.ts";
import { openTierHolder } from "./tier-holder.ts";

/** What the watcher keeps true in the API server that it reads. */
export function besideWatch(rim: BesideRim): Beside {
  const { config, clock, log, metrics } = rim;
  const api = openApi(config);
  const statuses = new StatusWriter({ api, clock, log: log.child({ part: "status" }), metrics });
  const tiers = openTierHolder({ config, clock, log: log.child({ part: "tiers" }) });
  const keepOwnKinds = async (until: AbortSignal) => {
    if (await ownKinds({ api, clock, log }, until))
      await together(until, [(stop) => statuses.run(stop), (stop) => tiers.run(stop)]);
  };
  return {
    onObjects: (changes, wanted) => statuses.take(changes, wanted),
    run: (until) => together(until, [(stop) => keepTaxonomies(rim, stop), keepOwnKinds]),
  };
}
