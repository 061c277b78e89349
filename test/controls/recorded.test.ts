import assert from "node:assert/strict";
import { recordedIn } from "../../controls/evidence/recorded.ts";
import { deed, type GivenDeed } from "./deeds.ts";

const core = (resource: string, namespace: string) => ({ group: "", resource, namespace });

const cases: readonly { readonly title: string; readonly given: GivenDeed; readonly is: boolean }[] = [
  { title: "a policy", given: {}, is: true },
  { title: "a status", given: { target: { subresource: "status" } }, is: false },
  { title: "our ConfigMap", given: { target: core("configmaps", "net") }, is: true },
  {
    title: "a ConfigMap where we would be by default",
    given: { target: core("configmaps", "sluice-system") },
    is: false,
  },
  { title: "our pod that is deleted", given: { verb: "delete", target: core("pods", "net") }, is: true },
  { title: "another pod that is deleted", given: { verb: "delete", target: core("pods", "shop") }, is: false },
  { title: "another pod with other labels", given: { verb: "patch", target: core("pods", "shop") }, is: true },
];

describe("what the API server tells counts, or not, where Sluice runs in namespace net, of", () => {
  for (const { title, given, is } of cases) it(title, () => assert.equal(recordedIn("net")(deed(given)), is));
});
