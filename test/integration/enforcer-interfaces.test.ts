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
      (await interfaces.read()).behind,
      new Map([
        [pod, "slp1"],
        [pod6, "slp1"],
      ]),
    );
  });

  it("are the same object while nothing changes, and another after a change", async () => {
    const before = await interfaces.read();
    assert.equal(await interfaces.read(), before);
    ip("route", "add", "10.1.0.1/32", "dev", "slp1");
    const after = await interfaces.read();
    assert.notEqual(after, before);
    assert.equal(after.behind.get(pod), "slp1");
    ip("route", "del", "10.1.0.1/32");
    assert.equal((await interfaces.read()).behind.has(pod), false);
  });

  it("tell which of the node's own addresses is on which interface", async () => {
    ip("addr", "add", "192.0.2.7/24", "dev", "slp1");
    ip("addr", "add", "198.51.100.1", "peer", "198.51.100.2", "dev", "slp1");
    ip("-6", "addr", "add", "2001:db8::7/64", "dev", "slp1", "nodad");
    const { own } = await interfaces.read();
    for (const address of ["192.0.2.7", "198.51.100.1", "2001:db8::7"])
      assert.equal(own.get(parseAddress(address)), "slp1", address);
    assert.equal(own.has(parseAddress("198.51.100.2")), false);
    ip("addr", "del", "192.0.2.7/24", "dev", "slp1");
    assert.equal((await interfaces.read()).own.has(parseAddress("192.0.2.7")), false);
  });

  it("forget what was behind an interface that is gone", async () => {
    ip("route", "add", "10.1.0.1/32", "dev", "slp1");
    assert.equal((await interfaces.read()).behind.size, 1);
    ip("link", "del", "slp1");
    assert.equal((await interfaces.read()).behind.size, 0);
  });

  it("are an error where there is no such namespace", async () => {
    const nowhere = kernel.in("/run/netns/sluice-test-nowhere").read();
    await assert.rejects(nowhere, (error) => error instanceof SluiceError && error.code === "NETLINK_FAILED");
  });
});
