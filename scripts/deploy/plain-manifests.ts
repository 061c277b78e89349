import { stringify } from "yaml";
import { namespaceObject, workingObjects } from "../../deploy/objects/installation.ts";
import { valuesOf } from "../../deploy/objects/values.ts";

// What the chart gives for some values, for those who have neither Helm nor `sluice install`; by their paths below deploy/.

const namespace = "sluice-system";

const wanted: readonly { readonly file: string; readonly says: string; readonly values: object }[] = [
  {
    file: "nodes.yaml",
    says: "Nodes alone: each keeps its own archive. Nothing is blocked.",
    values: {},
  },
  {
    file: "kafka.yaml",
    says: "Nodes and everything behind Kafka. Write in the addresses of yours: here they are kafka, elasticsearch and redis. Nothing is blocked.",
    values: {
      config: {
        bus: { brokers: ["kafka:9092"] },
        elasticsearch: { urls: ["https://elasticsearch:9200"] },
        enforcer: { mode: "observe" },
        work: { redis: "redis://redis:6379" },
      },
    },
  },
];

export function plainManifests(version: string): readonly (readonly [string, string])[] {
  return plainObjects(version).map(({ file, says, objects }) => {
    const documents = objects.map(
      (object) => `---\n${stringify(object, { aliasDuplicateObjects: false, lineWidth: 0 })}`,
    );
    return [`manifests/${file}`, `${header(says)}${documents.join("")}`];
  });
}

/** The same as objects. */
export function plainObjects(version: string) {
  return wanted.map(({ values, ...file }) => ({
    ...file,
    objects: [namespaceObject(namespace), ...workingObjects(valuesOf(version, values), namespace)],
  }));
}

const header = (says: string) => `# ${says}
# CRDs first: kubectl apply --server-side --filename deploy/crds
# Generated from deploy/objects by scripts/generate-deploy.ts; do not edit.
`;
