import { TaxonomyCluster } from "../../controls/taxonomy/cluster.ts";
import { TaxonomyController } from "../../controls/taxonomy/controller.ts";
import { ApiSource } from "../../core/kube/api/source.ts";
import type { BesideRim } from "../bus/bus-engine.ts";
import { openApi } from "../objects/open-objects.ts";
import { resources } from "../objects/resources.ts";

/** Keeps the admission policies of the cluster as its LabelTaxonomies say. */
export function keepTaxonomies({ config, clock, log, metrics }: BesideRim, until: AbortSignal): Promise<void> {
  const api = openApi(config);
  const taxonomies = resources.filter(({ kind }) => kind === "LabelTaxonomy");
  const changes = new ApiSource({ api, resources: taxonomies, clock, log, random: Math.random });
  return new TaxonomyController({ cluster: new TaxonomyCluster(api), changes, clock, log, metrics }).run(until);
}
