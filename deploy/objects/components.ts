import type { Component, Volume } from "./component.ts";
import { labelsOf } from "./labels.ts";
import { value, when } from "./template.ts";

// Which processes a cluster has beside those of its nodes. Each works on Kafka's topics, so without brokers there is none (docs/operations.md).

const brokers = "config.bus.brokers";
export const archiveClaim = "sluice-archive";

const archiveVolume: Volume = {
  name: "archive",
  path: "/var/lib/sluice",
  from: { persistentVolumeClaim: { claimName: archiveClaim } },
};

/** Two pods share a volume only where both are on one node. */
const besideArchive = {
  podAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { labelSelector: { matchLabels: labelsOf("archive") }, topologyKey: "kubernetes.io/hostname" },
    ],
  },
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
  { name: "watch", args: ["watch"], condition: brokers, readsObjects: true, reaches: ["kafka", "apiServer"] },
  {
    name: "archive",
    args: ["sink", "archive"],
    condition: [brokers, "archive.enabled"],
    readsObjects: false,
    reaches: ["kafka"],
    volumes: [archiveVolume],
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
    volumes: [{ ...archiveVolume, condition: "archive.enabled" }],
    pod: { affinity: when("archive.enabled", besideArchive) },
  },
];
