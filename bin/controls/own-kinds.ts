import type { Clock } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { Api } from "../../core/kube/api/api.ts";
import type { Log } from "../../core/log.ts";
import { isOwn } from "../../policy/crd.ts";

const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const name = "tiers.projectcalico.org";
const lookMs = 10_000;

/** Where there is none the server says null. */
interface Listed {
  readonly items: readonly Parameters<typeof isOwn>[0][] | null;
}

export interface OwnKindsRim {
  readonly api: Pick<Api, "get">;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Waits until tiers and policies of the cluster are of a kind that Sluice made: those of somebody else, Calico say, are read and never written.
 * False if the signal aborts before.
 */
export async function ownKinds({ api, clock, log }: OwnKindsRim, signal: AbortSignal): Promise<boolean> {
  let told = "";
  while (!signal.aborted) {
    const why = await lacking(api, signal).catch(messageOf);
    if (why === undefined) return true;
    if (why !== told && !signal.aborted) log.info({ why }, "tiers are not held, and no status of policies is written");
    told = why;
    await clock.sleep(lookMs, signal);
  }
  return false;
}

/** What is in the way, in words. Of the definition its metadata only, by the right to list that the reflectors have anyhow. */
async function lacking(api: Pick<Api, "get">, signal: AbortSignal): Promise<string | undefined> {
  const headers = { accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" };
  const query = { fieldSelector: `metadata.name=${name}` };
  const { items } = (await api.get(path, { headers, query, signal })) as Listed;
  const [found] = items ?? [];
  if (found === undefined) return `there is no kind ${name}`;
  return isOwn(found) ? undefined : `Sluice did not make the kind ${name}`;
}
