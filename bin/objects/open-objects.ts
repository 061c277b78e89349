import type { Clock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { Api } from "../../core/kube/api/api.ts";
import { connectionOf } from "../../core/kube/api/connection.ts";
import { ApiSource } from "../../core/kube/api/source.ts";
import type { FaultListener } from "../../core/kube/fault-listener.ts";
import { folderSource } from "../../core/kube/folder.ts";
import type { ObjectSource } from "../../core/kube/watch.ts";
import type { Metrics } from "../../core/metrics.ts";
import { problemsOf } from "../../policy/kinds/read.ts";
import { readApiSource } from "./measure.ts";
import { resources } from "./resources.ts";

export interface ObjectsRim extends FaultListener {
  readonly config: Pick<Config, "objects">;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** Where the configuration says that the cluster's objects are. Throws KUBE_FAILED where no API server is configured. */
export function openObjects({ config, clock, log, metrics, onFault, onMended }: ObjectsRim): ObjectSource {
  const { source, folder, rescanMs, kubeconfig, context } = config.objects;
  const common = {
    ...{ clock, log, validate: problemsOf },
    onFault: (fault: Parameters<NonNullable<typeof onFault>>[0]) => {
      metrics.add("sluice_objects_faults_total", {});
      onFault?.(fault);
    },
    ...(onMended === undefined ? {} : { onMended }),
  };
  if (source === "folder") return folderSource({ ...common, path: folder, rescanMs });
  const choice = { ...(kubeconfig && { kubeconfig }), ...(context && { context }) };
  const api = new Api(connectionOf(choice));
  const objects = new ApiSource({ ...common, api, resources, random: Math.random });
  readApiSource(metrics, objects, clock);
  return objects;
}
