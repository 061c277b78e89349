import assert from "node:assert/strict";
import { parseAddress } from "../../core/address.ts";
import { SluiceError } from "../../core/errors.ts";
import { namespacePath } from "../../core/netlink/namespace.ts";
import type { Interfaces } from "../../enforcer/interfaces.ts";
import { KernelInterfaces } from "../../enforcer/interfaces-kernel.ts";
import { deleteNamespace, makeNamespace, runIn } from "../support/namespace.ts";
import { needsKernel } from "../support/needs-kernel.ts";

const [pod, pod6] = [parseAddress("10.1.0.1"), parseAddress("fd01::1")];

describe("interfaces from this machine's routes", function () {
  this.timeout(10_000);
  needsKernel();
  const kernel = new KernelInterfaces();
  let namespace = "";
  let interfaces: Interfaces;
  const ip = (...words: readonly string[]) => runIn(namespace, "ip", ...words);

  beforeEach(() => {
    namespace = makeNamespace("routes");
    interfaces = kernel.in(namespacePath(namespace));
    ip("link", "add", "slp1", "type", "veth", "peer", "name", "peer1");
    ip("link", "set", "slp1", "up");
    ip("link", "set", "peer1", "up");
  });
  afterEach(() => {
    if (namespace !== "") deleteNamespace(namespace);
    namespace = "";
  });
  after(() => kernel.close());

  it("are those that routes to single addresses name", async () => {
    ip("route", "add", "10.1.0.1/32", "dev", "slp1");
    ip("-6", "route", "add", "fd01::1/128", "dev", "slp1");
    ip("route", "add", "10.2.0.0/16", "dev", "slp1");
    assert.deepEqual(
      await interfaces.read(),
      new Map([
        [pod, "slp1"],
        [pod6, "slp1"],
      ]),
    );
  });

  it("are the same Map while nothing changes, and another after a change", async () => {
    const before = await interfaces.read();
    assert.equal(await interfaces.read(), before);
    ip("route", "add", "10.1.0.1/32", "dev", "slp1");
    const after = await interfaces.read();
    assert.notEqual(after, before);
    assert.equal(after.get(pod), "slp1");
    ip("route", "del", "10.1.0.1/32");
    assert.equal((await interfaces.read()).has(pod), false);
  });

  it("forget what was behind an interface that is gone", async () => {
    ip("route", "add", "10.1.0.1/32", "dev", "slp1");
    assert.equal((await interfaces.read()).size, 1);
    ip("link", "del", "slp1");
    assert.equal((await interfaces.read()).size, 0);
  });

  it("are an error where there is no such namespace", async () => {
    const nowhere = kernel.in("/run/netns/sluice-test-nowhere").read();
    await assert.rejects(nowhere, (error) => error instanceof SluiceError && error.code === "NETLINK_FAILED");
  });
});
