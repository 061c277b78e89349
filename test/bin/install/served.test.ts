import assert from "node:assert/strict";
import { isEstablished } from "../../../bin/install/served.ts";

const definition = (status?: object) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "tiers.projectcalico.org" },
  ...(status && { status }),
});
const established = (status: string) => ({ conditions: [{ type: "Established", status, message: "" }] });

describe("bin/install/served", () => {
  for (const { title, given, is } of [
    { title: "is not there", given: undefined, is: false },
    { title: "has no status", given: definition(), is: false },
    { title: "was just made, with conditions that are null", given: definition({ conditions: null }), is: false },
    { title: "is not established yet", given: definition(established("False")), is: false },
    { title: "is established", given: definition(established("True")), is: true },
  ])
    it(`${is ? "goes on with" : "waits for"} a definition that ${title}`, () => assert.equal(isEstablished(given), is));
});
