import type { Carrier } from "./carriers.ts";
import { offerFor } from "./offer.ts";
import { appliesTo, type Standing, standingOf } from "./standing.ts";
import { type TargetName, targetNames } from "./targets.ts";
import type { LabelTaxonomy, TaxonomyKey } from "./taxonomy.ts";

/** How far the carriers of one kind in one namespace are as one key of a taxonomy says. */
export interface Coverage extends Readonly<Record<Standing, number>> {
  readonly taxonomy: string;
  readonly key: string;
  readonly target: TargetName;
  /** null: what is in no namespace. */
  readonly namespace: string | null;
}

/** One that is not as a taxonomy says. */
export interface LabelFault {
  readonly taxonomy: string;
  readonly key: TaxonomyKey;
  readonly carrier: Carrier;
  readonly fault: "wrong" | "lacking";
  /** null: there is none. */
  readonly value: string | null;
  readonly message: string;
}

/** By taxonomy and key, in their order; then pods, templates, namespaces and nodes, by namespace. */
export function coverageOf(carriers: readonly Carrier[], taxonomies: readonly LabelTaxonomy[]): readonly Coverage[] {
  return eachKey(carriers, taxonomies).flatMap(({ taxonomy, key, concerned }) =>
    [...Map.groupBy(concerned, ({ target, namespace }) => `${targetNames.indexOf(target)}/${namespace ?? ""}`)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, group]) => rowOf(taxonomy, key, group)),
  );
}

/** All that are wrong or lacking, in the same order. */
export function labelFaults(carriers: readonly Carrier[], taxonomies: readonly LabelTaxonomy[]): readonly LabelFault[] {
  return eachKey(carriers, taxonomies).flatMap(({ taxonomy, key, concerned }) =>
    concerned.flatMap((carrier) => {
      const fault = standingOf(key, carrier);
      if (fault === "allowed" || fault === "absent") return [];
      const value = fault === "wrong" ? (carrier.labels[key.key] as string) : null;
      return [{ taxonomy, key, carrier, fault, value, message: messageOf(key, value) }];
    }),
  );
}

function eachKey(carriers: readonly Carrier[], taxonomies: readonly LabelTaxonomy[]) {
  return taxonomies.flatMap(({ name, keys }) =>
    keys.map((key) => ({ taxonomy: name, key, concerned: carriers.filter((carrier) => appliesTo(key, carrier)) })),
  );
}

function rowOf(taxonomy: string, key: TaxonomyKey, group: readonly Carrier[]): Coverage {
  const [{ target, namespace }] = group as readonly [Carrier, ...Carrier[]];
  const standings = group.map((carrier) => standingOf(key, carrier));
  const count = (standing: Standing) => standings.filter((one) => one === standing).length;
  return {
    ...{ taxonomy, key: key.key, target, namespace },
    allowed: count("allowed"),
    wrong: count("wrong"),
    lacking: count("lacking"),
    absent: count("absent"),
  };
}

function messageOf({ key, values }: TaxonomyKey, value: string | null): string {
  if (value === null || values === null) return `label ${key} is required here`;
  return `label ${key} is "${value}", which is not allowed; ${offerFor(values, value)}`;
}
