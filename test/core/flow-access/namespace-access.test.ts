import assert from "node:assert/strict";
import { NamespaceAccess } from "../../../core/flow-access/namespace-access.ts";
import type { Access } from "../../../core/kube/api/access.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const three = ["shop", "bank", "shop", "dev"];

function accessOf(granted: readonly string[], names: readonly string[] = three) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const rights = new Set(granted);
  const state = { isAway: false };
  const may = ({ group, resource, verb, namespace = "*" }: Access) => {
    assert.equal(`${verb} ${resource}.${group}`, "get flows.controls.sluice.dev");
    asked.push(namespace);
    return state.isAway ? Promise.reject(new Error("away")) : Promise.resolve(rights.has(namespace));
  };
  const namespaces = () => {
    asked.push("names");
    return Promise.resolve(names);
  };
  const access = new NamespaceAccess({ may, namespaces, clock, keptMs: 1000 });
  return { access, clock, asked, rights, state };
}

describe("core/flow-access/namespace-access", () => {
  it("knows the namespaces that are granted", async () => {
    assert.deepEqual(await accessOf(["shop", "other"]).access.readable(), new Set(["shop"]));
  });

  it("whoever may read all need not be asked about each", async () => {
    const { access, asked } = accessOf(["*"]);
    assert.equal(await access.readable(), "all");
    assert.deepEqual(asked, ["*"]);
  });

  it("asks of each once, for a while", async () => {
    const { access, clock, asked, rights } = accessOf(["shop"]);
    await access.readable();
    rights.delete("shop");
    await clock.advance(999);
    assert.deepEqual(await access.readable(), new Set(["shop"]));
    assert.deepEqual(asked, ["*", "names", "shop", "bank", "dev"]);
    await clock.advance(1);
    assert.deepEqual(await access.readable(), new Set());
    assert.equal(asked.length, 10);
  });

  it("fails where it cannot ask, also what was granted before", async () => {
    const { access, clock, state } = accessOf(["*"]);
    await access.readable();
    state.isAway = true;
    await clock.advance(1000);
    await assert.rejects(access.readable(), /away/);
    state.isAway = false;
    assert.equal(await access.readable(), "all");
  });

  it("knows of many namespaces", async () => {
    const names = Array.from({ length: 100 }, (_, at) => `n${at}`);
    const { access } = accessOf(names.slice(0, 50), names);
    assert.deepEqual(await access.readable(), new Set(names.slice(0, 50)));
  });
});
