import type { Endpoint } from "../placement.ts";

/**
 * Labels that tell pods apart by how they came to be and not by what they are (Kubernetes writes them), and those that others give
 * (namespaces and service accounts).
 */
const noise =
  /^(pcns\.|pcsa\.|projectcalico\.org\/|pod-template-|controller-(revision-hash|uid)$|statefulset\.kubernetes\.io\/|apps\.kubernetes\.io\/pod-index$|batch\.kubernetes\.io\/|job-name$)/;

/** What teams call their applications by, most telling first. */
const favourites = [
  "app",
  "app.kubernetes.io/name",
  "k8s-app",
  "app.kubernetes.io/instance",
  "app.kubernetes.io/component",
];

export type KeyFilter = (label: string) => boolean;
export const ownLabel: KeyFilter = (label) => !noise.test(label);

/** Some pods, with how many of them have which labels. */
export class LabelBook {
  readonly pods: readonly Endpoint[];
  readonly #counts = new Map<string, Map<string, number>>();

  constructor(pods: readonly Endpoint[], isWanted: KeyFilter) {
    this.pods = pods;
    for (const { labels } of pods)
      for (const [label, value] of Object.entries(labels)) if (isWanted(label)) this.#count(label, value);
  }

  /**
   * A label and values of it that exactly these of the pods have; undefined if there is none. Few values are best, then a label that
   * teams use to name applications.
   */
  tellsApart(some: readonly Endpoint[]): { readonly label: string; readonly values: readonly string[] } | undefined {
    const first = some[0];
    if (first === undefined) return undefined;
    const labels = Object.keys(first.labels).filter((label) => this.#counts.has(label));
    const candidates = labels.flatMap((label) => {
      const values = this.#valuesIf(label, some);
      return values === undefined ? [] : [{ label, values }];
    });
    return candidates.sort(
      (a, b) =>
        a.values.length - b.values.length || preference(a.label) - preference(b.label) || (a.label < b.label ? -1 : 1),
    )[0];
  }

  /** The values that the label has on them, if nobody else has these. */
  #valuesIf(label: string, some: readonly Endpoint[]): readonly string[] | undefined {
    if (!some.every(({ labels }) => Object.hasOwn(labels, label))) return undefined;
    const values = [...new Set(some.map(({ labels }) => labels[label] as string))].sort();
    const having = values.reduce((sum, value) => sum + (this.#counts.get(label)?.get(value) ?? 0), 0);
    return having === some.length ? values : undefined;
  }

  #count(label: string, value: string): void {
    const values = this.#counts.get(label) ?? new Map<string, number>();
    this.#counts.set(label, values);
    values.set(value, (values.get(value) ?? 0) + 1);
  }
}

function preference(label: string): number {
  const place = favourites.indexOf(label);
  return place < 0 ? favourites.length : place;
}
