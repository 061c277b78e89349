import { type Command, Option } from "commander";
import { Api } from "../core/kube/api/api.ts";
import { connectionOf } from "../core/kube/api/connection.ts";

/** Of commands that ask an API server. */
export interface KubeOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

export function addKubeOptions(command: Command): Command {
  return command
    .addOption(new Option("--kubeconfig <file>", "where the API server is (or KUBECONFIG; default ~/.kube/config)"))
    .addOption(new Option("--context <name>", "of the kubeconfig"));
}

export function openApi({ kubeconfig, context }: KubeOptions): Api {
  return new Api(
    connectionOf({ ...(kubeconfig !== undefined && { kubeconfig }), ...(context !== undefined && { context }) }),
  );
}
