import { type DataSetName, dataSetNames } from "../../sinks/elasticsearch/documents/data-sets.ts";
import { patternOf } from "../../sinks/elasticsearch/index-name.ts";

/** deploy/kibana/space.json: `POST /api/spaces/space` */
export const spaceJson = (): string =>
  `${JSON.stringify({ id: "sluice", name: "Sluice", description: "Who talks to whom, what is denied, who changed what", color: "#0B64DD", initials: "Sl", disabledFeatures: [] }, null, 2)}\n`;

/** deploy/kibana/roles.json: by name, each as `PUT /api/security/role/NAME` takes it. One a data set, one for all, and one of a namespace. */
export function rolesJson(): string {
  const ofSets = dataSetNames.map((set) => [`sluice-read-${set}`, role([set])] as const);
  const roles = {
    "sluice-read": role(dataSetNames),
    ...Object.fromEntries(ofSets),
    "sluice-read-namespace-shop": role(["flow"], "shop"),
  };
  return `${JSON.stringify(roles, null, 2)}\n`;
}

/** Of one namespace: document-level security, which Elasticsearch has with a Platinum licence or higher only. */
function role(sets: readonly DataSetName[], namespace?: string): object {
  const ends = ["sluice.source.namespace", "sluice.destination.namespace"].map((field) => ({
    term: { [field]: namespace },
  }));
  const query =
    namespace === undefined ? {} : { query: JSON.stringify({ bool: { should: ends, minimum_should_match: 1 } }) };
  return {
    elasticsearch: {
      cluster: [],
      indices: [{ names: sets.map((set) => patternOf(set)), privileges: ["read", "view_index_metadata"], ...query }],
      run_as: [],
    },
    kibana: [
      { base: [], feature: { dashboard: ["read"], discover: ["read"], visualize: ["read"] }, spaces: ["sluice"] },
    ],
  };
}
