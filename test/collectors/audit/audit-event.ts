/** An event as Kubernetes 1.36 writes it at level RequestResponse, of a patch that sets a label; what is given stands in its place. */
export function auditEvent(given: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    auditID: "d658859e-ef5b-46eb-83ed-8afd72496f40",
    stage: "ResponseComplete",
    requestURI: "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies/x?fieldManager=kubectl-label",
    verb: "patch",
    user: { username: "ann", uid: "u-ann", groups: ["team", "system:authenticated"] },
    sourceIPs: ["127.0.0.1"],
    userAgent: "kubectl/v1.36.3 (linux/amd64) kubernetes/a1b2c3d",
    objectRef: {
      resource: "networkpolicies",
      namespace: "default",
      name: "x",
      apiGroup: "networking.k8s.io",
      apiVersion: "v1",
    },
    responseStatus: { metadata: {}, code: 200 },
    requestObject: { metadata: { labels: { a: "b" } } },
    responseObject: {
      kind: "NetworkPolicy",
      apiVersion: "networking.k8s.io/v1",
      metadata: { name: "x", namespace: "default", uid: "3831acc2", resourceVersion: "231", generation: 1 },
      spec: { podSelector: {}, policyTypes: ["Ingress"] },
    },
    requestReceivedTimestamp: "2026-12-01T11:40:13.983347Z",
    stageTimestamp: "2026-12-01T11:40:13.988016Z",
    annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" },
    ...given,
  };
}

export function eventList(items: readonly unknown[]): string {
  return JSON.stringify({ kind: "EventList", apiVersion: "audit.k8s.io/v1", metadata: {}, items });
}

export const goneStatus = {
  metadata: {},
  status: "Success",
  details: { name: "x", group: "networking.k8s.io", kind: "networkpolicies", uid: "3831acc2" },
  code: 200,
};
