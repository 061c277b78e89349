import type { ApiServer } from "../../lab/api-server/api-server.ts";
import { crdOf } from "../../policy/crd.ts";
import { customResources } from "../../policy/kinds/custom-resources.ts";
import { done } from "./kube-requests.ts";
import { until } from "./until.ts";

export const taxonomiesPath = "/apis/controls.sluice.dev/v1alpha1/labeltaxonomies";

/** Until the server knows LabelTaxonomies. */
export async function installTaxonomies(server: ApiServer): Promise<void> {
  const body = crdOf(customResources.find(({ kind }) => kind === "LabelTaxonomy") as (typeof customResources)[number]);
  await done(server, { method: "POST", path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body });
  await until("the CRD", async () => (await server.request("GET", taxonomiesPath)).status === 200, 20_000);
}
