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
  // The library makes agents that open a connection a request. Through a proxy its own agent stays.
  let agent: Agent | undefined;
  return {
    server: cluster.server,
    async options() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      if (cluster.proxyUrl !== undefined) return options;
      const { ca, cert, key, rejectUnauthorized, servername } = options;
      agent ??= new Agent({ ca, cert, key, rejectUnauthorized, servername, keepAlive: true, keepAliveMsecs: 15_000 });
      return { ...options, agent };
    },
  };
}

function noCluster(config: KubeConfig): string {
  const contexts = config.getContexts().map(({ name }) => name);
  const which = contexts.length === 0 ? "it has no contexts" : `its contexts are ${contexts.join(", ")}`;
  return `the kubeconfig names no cluster for context "${config.getCurrentContext()}"; ${which}`;
}
