import type { ApiServerOptions } from "./api-server.ts";

// Pods of the lab belong to ReplicaSets that nobody made: a collector of garbage would take them away.
const controllers = [
  "namespace-controller",
  "serviceaccount-controller",
  "serviceaccount-token-controller",
  "endpointslice-controller",
  "clusterrole-aggregation-controller",
  "root-ca-certificate-publisher-controller",
  "validatingadmissionpolicy-status-controller",
];

/** An API server for the lab's objects: Services of both families, pods whose owners are not there. */
export const labServer: Pick<ApiServerOptions, "flags" | "apiServerFlags"> = {
  flags: ["--controllers", controllers.join(",")],
  apiServerFlags: ["--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112"],
};
