import type { Clock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { Api } from "../../core/kube/api/api.ts";
import { connectionOf } from "../../core/kube/api/connection.ts";
import type { ReflectorState } from "../../core/kube/api/reflector.ts";
import type { Resource } from "../../core/kube/api/resource.ts";
import { ApiSource } from "../../core/kube/api/source.ts";
import type { FaultListener } from "../../core/kube/fault-listener.ts";
import { folderSource } from "../../core/kube/folder.ts";
import type { ObjectSource } from "../../core/kube/watch.ts";
import type { Metrics } from "../../core/metrics.ts";
import { problemsOf } from "../../policy/kinds/read.ts";
import { placeOf } from "../folder.ts";
import { readApiSource } from "./measure.ts";
import { resources } from "./resources.ts";
import { withAutomaticHosts } from "./with-automatic-hosts.ts";

export interface ObjectsRim extends FaultListener {
  readonly config: Pick<Config, "objects">;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** What is read beside what policies are about. */
  readonly beside?: readonly Resource[];
}

export interface OpenedObjects extends ObjectSource {
  /** Kinds of which nobody knows at the moment what there is, as `plural.group`: they may not be read, or the server does not answer. */
  readonly unread: () => ReadonlySet<string>;
  /** Null: they are of a folder. */
  readonly api: Api | null;
}

/** Where the configuration says that the cluster's objects are. Throws KUBE_FAILED where no API server is configured. */
export function openObjects(rim: ObjectsRim): OpenedObjects {
  const opened = openPlain(rim);
  return rim.config.objects.autoHostEndpoints ? { ...opened, ...withAutomaticHosts(opened) } : opened;
}

function openPlain({ config, clock, log, metrics, beside = [], onFault, onMended }: ObjectsRim): OpenedObjects {
  const common = {
    ...{ clock, log, validate: problemsOf },
    onFault: (fault: Parameters<NonNullable<typeof onFault>>[0]) => {
      metrics.add("sluice_objects_faults_total", {});
      onFault?.(fault);
    },
    ...(onMended === undefined ? {} : { onMended }),
  };
  const place = placeOf(config.objects);
  if (typeof place === "string") {
    const folder = folderSource({ ...common, path: place, rescanMs: config.objects.rescanMs });
    return { ...folder, unread: () => new Set(), api: null };
  }
  const api = openApi(config);
  const objects = new ApiSource({ ...common, api, resources: [...resources, ...beside], random: Math.random });
  readApiSource(metrics, objects, clock);
  const unread = () => new Set(objects.statuses.flatMap(({ resource, state }) => (isKnown(state) ? [] : [resource])));
  return { name: objects.name, watch: (signal) => objects.watch(signal), unread, api };
}

/** The API server that the configuration names. Throws KUBE_FAILED where it names none. */
export function openApi({ objects: { kubeconfig, context } }: Pick<Config, "objects">): Api {
  return new Api(connectionOf({ ...(kubeconfig && { kubeconfig }), ...(context && { context }) }));
}

/** What the server says it has not got is known, too. */
const isKnown = (state: ReflectorState): boolean => state === "followed" || state === "absent";
