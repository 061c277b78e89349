import type { Clock } from "../../core/clock.ts";
import type { ReflectorStatus } from "../../core/kube/api/reflector.ts";
import type { ApiSource } from "../../core/kube/api/source.ts";
import type { Metrics } from "../../core/metrics.ts";

export function readApiSource(metrics: Metrics, source: Pick<ApiSource, "statuses">, clock: Clock): void {
  const each = (value: (status: ReflectorStatus) => number | undefined) => () =>
    source.statuses.flatMap((status) => {
      const is = value(status);
      return is === undefined ? [] : [{ labels: { resource: status.resource }, value: is }];
    });
  metrics.read(
    "sluice_objects_known",
    each(({ objects, heardAt }) => (heardAt === null ? undefined : objects)),
  );
  metrics.read(
    "sluice_objects_staleness_seconds",
    each(({ heardAt, state }) =>
      heardAt === null || state === "absent" ? undefined : Math.max(0, clock.now() - heardAt) / 1000,
    ),
  );
  metrics.read(
    "sluice_objects_lists_total",
    each(({ lists }) => lists),
  );
  metrics.read(
    "sluice_objects_failures_total",
    each(({ failures }) => failures),
  );
  metrics.read(
    "sluice_objects_refused",
    each(({ state }) => Number(state === "refused")),
  );
}
