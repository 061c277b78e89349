import { type Command, Option } from "commander";
import type { Clock } from "../../core/clock.ts";
import { SluiceError } from "../../core/errors.ts";
import { Api } from "../../core/kube/api/api.ts";
import { connectionOf } from "../../core/kube/api/connection.ts";
import { componentsIn, isWell } from "./components.ts";
import { type Foreign, findForeign } from "./foreign.ts";

/** Which cluster, and where in it. */
export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
}

export function addClusterOptions(command: Command): Command {
  return command
    .option("--kubeconfig <file>", "where the cluster is; else $KUBECONFIG, ~/.kube/config, the pod's service account")
    .option("--context <name>", "which context of the kubeconfig; else its current one")
    .addOption(new Option("-n, --namespace <name>", "where Sluice is").default("sluice-system"));
}

/** Throws USAGE, or KUBE_FAILED if there is no such configuration. */
export function apiOf({ kubeconfig, context, namespace }: ClusterOptions): Api {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace))
    throw new SluiceError("USAGE", `--namespace ${namespace}: that is no name of a namespace`);
  return new Api(connectionOf({ ...(kubeconfig && { kubeconfig }), ...(context && { context }) }));
}

/** From it on the server knows all that the definitions of kinds say. */
const oldest = { major: 1, minor: 31 };

/** Throws DEPENDENCY_MISSING if the server is too old. */
export async function examine(api: Api): Promise<Foreign> {
  const { major, minor } = (await api.get("/version")) as { readonly major: string; readonly minor: string };
  const [first, second] = [Number.parseInt(major, 10), Number.parseInt(minor, 10)];
  if (first < oldest.major || (first === oldest.major && second < oldest.minor))
    throw new SluiceError("DEPENDENCY_MISSING", `this is Kubernetes ${major}.${minor}; Sluice needs 1.31 or later`);
  return findForeign(api);
}

/** Resolves when all of it works. Throws KUBE_FAILED after that time, and says what does not. */
export async function untilWell(
  api: Api,
  { namespace, foreign, ms, clock }: { namespace: string; foreign: Foreign; ms: number; clock: Clock },
): Promise<void> {
  const end = clock.monotonic() + ms;
  for (;;) {
    const waited = (await componentsIn(api, namespace, foreign)).filter((state) => !isWell(state));
    if (waited.length === 0) return;
    const names = waited.map(({ component, ready, wanted }) => `${component} (${ready} of ${wanted})`).join(", ");
    if (clock.monotonic() > end) throw new SluiceError("KUBE_FAILED", `not ready in time: ${names}`);
    await clock.sleep(1_000);
  }
}
