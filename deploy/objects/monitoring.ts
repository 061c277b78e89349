import { ownLabels } from "../../policy/crd.ts";
import { labelsOf } from "./labels.ts";
import { type Fields, namespace, value } from "./template.ts";

const labels = labelsOf("metrics");
const name = "sluice-metrics";

/** Has no address of its own: by it all pods of Sluice are found. */
export const metricsService: Fields = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace, labels },
  spec: {
    clusterIP: "None",
    selector: ownLabels,
    ports: [{ name: "metrics", port: value("metrics.port"), targetPort: "metrics", protocol: "TCP" }],
  },
};

/** For the Prometheus Operator, whose labels find it. */
export const serviceMonitor: Fields = {
  apiVersion: "monitoring.coreos.com/v1",
  kind: "ServiceMonitor",
  metadata: { name: "sluice", namespace, labels: value("serviceMonitor.labels") },
  spec: {
    selector: { matchLabels: labels },
    endpoints: [{ port: "metrics", interval: value("serviceMonitor.interval"), relabelings: componentAsLabel() }],
  },
};

function componentAsLabel(): readonly Fields[] {
  return [{ sourceLabels: ["__meta_kubernetes_pod_label_app_kubernetes_io_component"], targetLabel: "component" }];
}
