import assert from "node:assert/strict";
import { NamespaceAccess } from "../../../core/flow-access/namespace-access.ts";
import type { Access } from "../../../core/kube/api/access.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function accessOf(...granted: readonly string[]) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const rights = new Set(granted);
  const state = { isAway: false };
  const may = ({ group, resource, verb, namespace = "*" }: Access) => {
    assert.equal(`${verb} ${resource}.${group}`, "get flows.controls.sluice.dev");
    asked.push(namespace);
    return state.isAway ? Promise.reject(new Error("away")) : Promise.resolve(rights.has(namespace));
  };
  const access = new NamespaceAccess({ may, clock, keptMs: 1000 });
  return { access, clock, asked, rights, state };
}
const three = () => Promise.resolve(["shop", "bank", "shop", "dev"]);

describe("core/flow-access/namespace-access", () => {
  it("knows the namespaces that are granted", async () => {
    assert.deepEqual(await accessOf("shop", "other").access.readable(three), new Set(["shop"]));
  });

  it("whoever may read all need not be asked about each", async () => {
    const { access, asked } = accessOf("*");
    assert.equal(await access.readable(() => Promise.reject(new Error("not asked for"))), "all");
    assert.deepEqual(asked, ["*"]);
  });

  it("asks of each once, for a while", async () => {
    const { access, clock, asked, rights } = accessOf("shop");
    await access.readable(three);
    rights.delete("shop");
    await clock.advance(999);
    assert.deepEqual(await access.readable(three), new Set(["shop"]));
    assert.equal(asked.length, 4);
    await clock.advance(1);
    assert.deepEqual(await access.readable(three), new Set());
    assert.equal(asked.length, 8);
  });

  it("fails where it cannot ask, also what was granted before", async () => {
    const { access, clock, state } = accessOf("*");
    await access.readable(three);
    state.isAway = true;
    await clock.advance(1000);
    await assert.rejects(access.readable(three), /away/);
    state.isAway = false;
    assert.equal(await access.readable(three), "all");
  });

  it("knows of many namespaces", async () => {
    const names = Array.from({ length: 100 }, (_, at) => `n${at}`);
    const { access } = accessOf(...names.slice(0, 50));
    assert.equal((await access.readable(() => Promise.resolve(names))) instanceof Set, true);
    assert.deepEqual(await access.readable(() => Promise.resolve(names)), new Set(names.slice(0, 50)));
  });
});
