import { createServer, type Server } from "node:http";
import type { KubeObject } from "../../core/kube/objects.ts";

/** A Kubernetes API server as far as informers of pods, nodes, Services and ReplicaSets ask it: lists what there is, and tells of no change. */
export class ObjectServer {
  readonly #lists: ReadonlyMap<string, string>;
  readonly #server: Server;

  constructor(objects: readonly KubeObject[]) {
    const of = (kind: string) => objects.filter((object) => object.kind === kind);
    this.#lists = new Map([
      ["/api/v1/nodes", listOf("NodeList", of("Node"))],
      ["/api/v1/pods", listOf("PodList", of("Pod"))],
      ["/api/v1/services", listOf("ServiceList", of("Service").map(withClusterIps))],
      ["/apis/apps/v1/replicasets", listOf("PartialObjectMetadataList", [], "meta.k8s.io/v1")],
    ]);
    this.#server = createServer(({ url }, response) => {
      const { pathname, searchParams } = new URL(url ?? "", "http://server");
      const list = this.#lists.get(pathname);
      response.writeHead(list === undefined ? 404 : 200, { "content-type": "application/json" });
      if (searchParams.has("watch")) response.flushHeaders();
      else response.end(list);
    });
  }

  /** Resolves with its URL. */
  async listen(): Promise<string> {
    const listening = Promise.withResolvers<void>();
    this.#server.listen(0, "127.0.0.1", listening.resolve);
    await listening.promise;
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    return `http://127.0.0.1:${address.port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function listOf(kind: string, items: readonly KubeObject[], apiVersion = "v1"): string {
  return JSON.stringify({ kind, apiVersion, metadata: { resourceVersion: "1" }, items });
}

/** As an API server fills them in. */
function withClusterIps(service: KubeObject): KubeObject {
  const spec = service["spec"] as { readonly clusterIP: string };
  return { ...service, spec: { ...spec, clusterIPs: [spec.clusterIP] } };
}
