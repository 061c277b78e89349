import { type Api, isMissing } from "../../core/kube/api/api.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { definitions } from "../../deploy/objects/installation.ts";
import { isOwn } from "../../policy/crd.ts";

/** Who else has to do with the kinds of projectcalico.org in this cluster; empty: nobody. */
export interface Foreign {
  /** In words. */
  readonly signs: readonly string[];
}

interface Definition {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

const group = "projectcalico.org";

/** Looks whether Calico, or something like it, is here: its kinds are its own, and its node agent enforces them. */
export async function findForeign(api: Api): Promise<Foreign> {
  const [service, definitions] = await Promise.all([servedBy(api), definitionsIn(api)]);
  return { signs: signsOf(service, definitions) };
}

export function signsOf(service: string | undefined, definitions: readonly Definition[]): readonly string[] {
  const of = (suffix: string) => definitions.filter(({ metadata }) => metadata.name.endsWith(`.${suffix}`));
  const theirs = of(group).filter((one) => !one.metadata.name.endsWith(`.crd.${group}`) && !isOwn(one));
  const stored = of(`crd.${group}`);
  return [
    ...(service === undefined ? [] : [`${group}/v3 is served by ${service}`]),
    ...(theirs.length === 0 ? [] : [`${count(theirs)} of ${group} that Sluice did not make`]),
    ...(stored.length === 0 ? [] : [`${count(stored)} of crd.${group}, in which Calico keeps its objects`]),
  ];
}

function count(some: readonly Definition[]): string {
  const [first] = some.map(({ metadata }) => metadata.name).sort();
  return some.length === 1 ? `the kind ${first}` : `${some.length} kinds (${first} and others)`;
}

/** The Service that answers for projectcalico.org/v3 in place of the API server itself. */
async function servedBy(api: Api): Promise<string | undefined> {
  try {
    const found = (await api.get(`/apis/apiregistration.k8s.io/v1/apiservices/v3.${group}`)) as {
      readonly spec: { readonly service?: { readonly namespace: string; readonly name: string } | null };
    };
    const { service } = found.spec;
    return service == null ? undefined : `${service.namespace}/${service.name}`;
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
}

/** Of each its metadata only: the schemas of a cluster are tens of megabytes. */
async function definitionsIn(api: Api): Promise<readonly Definition[]> {
  const headers = { accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" };
  const list = await api.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", { headers });
  // Where there is none the server says null.
  return (list as { readonly items: readonly Definition[] | null }).items ?? [];
}

/** The kinds that Sluice brings here: those of projectcalico.org are left alone where somebody else has them. */
export function ownDefinitions({ signs }: Foreign): readonly KubeObject[] {
  return definitions().filter(({ metadata }) => signs.length === 0 || !metadata.name.endsWith(`.${group}`));
}
