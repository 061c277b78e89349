/** A Node with the two ends of RouterLab as its pods. */
export const objects = `
{ apiVersion: v1, kind: Namespace, metadata: { name: shop } }
---
{ apiVersion: v1, kind: Node, metadata: { name: node-1 }, spec: { podCIDR: 10.99.0.0/16 } }
---
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: shop, uid: u1, labels: { app: web } }
spec: { nodeName: node-1, containers: [] }
status: { podIP: 10.99.1.2, podIPs: [{ ip: 10.99.1.2 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: db, namespace: shop, uid: u2, labels: { app: db } }
spec: { nodeName: node-1, containers: [] }
status: { podIP: 10.99.2.2, podIPs: [{ ip: 10.99.2.2 }] }
`;
