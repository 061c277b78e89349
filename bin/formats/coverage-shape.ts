import type { Coverage } from "../../policy/taxonomy/coverage.ts";
import type { Shape } from "./format.ts";

export const coverageShape: Shape<Coverage> = {
  objectOf: (row) => {
    const { taxonomy, key, target, namespace, allowed, wrong, lacking, absent } = row;
    return {
      type: "labelCoverage",
      taxonomy,
      key,
      target,
      namespace,
      total: totalOf(row),
      allowed,
      wrong,
      lacking,
      absent,
    };
  },
  nameOf: ({ key, target, namespace }) => `${key} ${target}${namespace === null ? "" : ` ${namespace}`}`,
  columns: [
    { header: "key", cell: ({ key }) => key },
    { header: "of", cell: ({ target }) => target },
    { header: "namespace", cell: ({ namespace }) => namespace },
    { header: "total", cell: totalOf },
    { header: "allowed", cell: ({ allowed }) => allowed },
    { header: "wrong", cell: ({ wrong }) => wrong },
    { header: "lacking", cell: ({ lacking }) => lacking },
    { header: "absent", cell: ({ absent }) => absent, only: "wide" },
    { header: "taxonomy", cell: ({ taxonomy }) => taxonomy, only: "wide" },
  ],
};

function totalOf({ allowed, wrong, lacking, absent }: Coverage): number {
  return allowed + wrong + lacking + absent;
}
