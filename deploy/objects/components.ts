import type { Claim, Component, Volume } from "./component.ts";
import { labelsOf } from "./labels.ts";
import { watchRights } from "./rights.ts";
import { value, when } from "./template.ts";

// Which processes a cluster has beside those of its nodes. Each works on Kafka's topics, so without brokers there is none (docs/operations.md).

const brokers = "config.bus.brokers";
const dataFolder = "/var/lib/sluice";

const archive: Claim = { name: "sluice-archive", size: "archive.size", storageClass: "archive.storageClass" };
/** What it knew last is compared with what there is at its next start. */
const watched: Claim = { name: "sluice-watch", size: "watch.size", storageClass: "watch.storageClass" };

const volumeOf = ({ name }: Claim): Volume => ({
  name: "data",
  path: dataFolder,
  from: { persistentVolumeClaim: { claimName: name } },
});

/** Two pods share a volume only where both are on one node. */
const besideArchive = {
  podAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { labelSelector: { matchLabels: labelsOf("archive") }, topologyKey: "kubernetes.io/hostname" },
    ],
  },
};

/** Whatever the release is installed in. */
const ownNamespace = {
  name: "SLUICE_AUDIT_OWN_NAMESPACE",
  valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } },
};

export const deployments: readonly Component[] = [
  {
    name: "enrich",
    args: ["enrich"],
    condition: brokers,
    replicas: value("enrich.replicas"),
    readsObjects: true,
    reaches: ["kafka", "apiServer"],
  },
  {
    name: "watch",
    args: ["watch"],
    condition: brokers,
    readsObjects: true,
    rights: watchRights,
    reaches: ["kafka", "apiServer"],
    env: [ownNamespace, admissionToken()],
    claim: watched,
    volumes: [volumeOf(watched)],
    serves: { condition: "watch.audit", ports: { audit: 9466, admission: 9467 } },
  },
  {
    name: "archive",
    args: ["sink", "archive"],
    condition: [brokers, "archive.enabled"],
    readsObjects: false,
    reaches: ["kafka"],
    claim: archive,
    volumes: [volumeOf(archive)],
  },
  {
    name: "elasticsearch",
    args: ["sink", "elasticsearch"],
    condition: [brokers, "config.elasticsearch.urls"],
    replicas: value("elasticsearch.replicas"),
    readsObjects: false,
    reaches: ["kafka", "elasticsearch"],
  },
  {
    name: "work",
    args: ["work"],
    condition: [brokers, "config.work.redis"],
    replicas: value("work.replicas"),
    readsObjects: false,
    reaches: ["kafka", "elasticsearch", "redis"],
    volumes: [{ ...volumeOf(archive), condition: "archive.enabled" }],
    pod: { affinity: when("archive.enabled", besideArchive) },
  },
];

/** A setting that no ConfigMap may hold, and without which nobody listens for admission. */
function admissionToken() {
  const key = { name: value("watch.secret"), key: "admission-token" };
  const env = { name: "SLUICE_AUDIT_ADMISSION_TOKEN", valueFrom: { secretKeyRef: key } };
  return when(["watch.secret", "config.audit.admissionListen"], env);
}
