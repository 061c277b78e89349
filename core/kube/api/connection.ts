import { Agent, type RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import { messageOf, SluiceError } from "../../errors.ts";

/** Where an API server is, and as whom it is asked. */
export interface ApiConnection {
  /** `https://10.0.0.1:6443` */
  readonly server: string;
  /** Agent, certificates and headers of a request; asked each time, since tokens rotate. */
  options(): Promise<RequestOptions>;
}

export interface ConnectionChoice {
  /** Path of a kubeconfig; without it $KUBECONFIG, ~/.kube/config, then the service account of the pod. */
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** Throws KUBE_FAILED if there is no such configuration, or if it names no cluster. */
export function connectionOf({ kubeconfig, context }: ConnectionChoice = {}): ApiConnection {
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (cause) {
    throw new SluiceError("KUBE_FAILED", `kubeconfig ${kubeconfig ?? ""}: ${messageOf(cause)}`, { cause });
  }
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new SluiceError("KUBE_FAILED", noCluster(config));
  if (!cluster.server.startsWith("https://")) throw new SluiceError("KUBE_FAILED", withoutTls(cluster.server));
  const agents = new Agents();
  return {
    server: cluster.server,
    async options() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      // Through a proxy the library's own agent stays.
      return cluster.proxyUrl === undefined ? { ...options, agent: agents.of(options) } : options;
    },
  };
}

/** The library makes agents that open a connection a request. One of ours keeps them, until certificates are others. */
class Agents {
  #certificates = "";
  #agent: Agent | undefined;

  of({ ca, cert, key, rejectUnauthorized, servername }: RequestOptions): Agent {
    const certificates = [ca, cert, key].map(String).join();
    if (this.#agent !== undefined && certificates === this.#certificates) return this.#agent;
    this.#certificates = certificates;
    // What is at work on the former goes on there.
    this.#agent = new Agent({ ca, cert, key, rejectUnauthorized, servername, keepAlive: true, keepAliveMsecs: 15_000 });
    return this.#agent;
  }
}

/** What the library makes up where it finds nothing. */
const madeUp = "http://localhost:8080";

function withoutTls(server: string): string {
  return server === madeUp
    ? "there is no kubeconfig: neither $KUBECONFIG nor ~/.kube/config, and this is no pod with a service account"
    : `the API server ${server} is not asked without TLS`;
}

function noCluster(config: KubeConfig): string {
  const contexts = config.getContexts().map(({ name }) => name);
  const which = contexts.length === 0 ? "it has no contexts" : `its contexts are ${contexts.join(", ")}`;
  return `the kubeconfig names no cluster for context "${config.getCurrentContext()}"; ${which}`;
}
