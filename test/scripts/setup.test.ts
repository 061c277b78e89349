import assert from "node:assert/strict";
import { Checkout } from "./stubs.ts";

describe("scripts/setup.sh", function () {
  this.timeout(20_000); // real files or processes, on a machine that may be busy
  let checkout: Checkout;
  const setup = (...args: string[]) => checkout.run("sh", "scripts/setup.sh", ...args);
  const npmCalls = () => checkout.calls.filter((call) => call.startsWith("npm "));

  beforeEach(() => {
    checkout = new Checkout();
    checkout.copy("scripts/setup.sh");
    checkout.write("scripts/check-kernel.sh", 'echo check-kernel >>"$(dirname "$0")/../calls"\n');
    checkout.write("package-lock.json", '{"version": 1}\n');
    checkout.stub("npm", "mkdir -p node_modules");
    checkout.stub("apt-get", "exit 1");
    checkout.stub("id", "echo 0");
    for (const program of ["nft", "ip", "conntrack", "redis-server"]) checkout.stub(program, "");
  });
  afterEach(() => checkout.remove());

  it("installs what the lock file says, development and optional packages too, and does not change it", () => {
    assert.equal(setup().code, 0);
    assert.match(npmCalls().join(), /^npm install --no-save --include=dev --include=optional /);
    assert.equal(npmCalls().length, 1);
  });

  it("does nothing the second time", () => {
    setup();
    const before = checkout.calls.length;
    assert.deepEqual(setup(), { code: 0, output: "" });
    assert.deepEqual(checkout.calls.slice(before), ["id -u"]);
  });

  it("installs again when the contents of the lock file change", () => {
    setup();
    checkout.write("package-lock.json", '{"version": 2}\n');
    assert.equal(setup().code, 0);
    assert.equal(npmCalls().length, 2);
  });

  it("fails when npm does, and tries again the next time", () => {
    checkout.stub("npm", "mkdir -p node_modules; exit 7");
    const { code, output } = setup();
    assert.equal(code, 1);
    assert.match(output, /npm could not install/);
    checkout.stub("npm", "");
    assert.equal(setup().code, 0);
    assert.equal(npmCalls().length, 2);
  });

  it("asks the kernel once, and again as long as it lacks something", () => {
    checkout.write("scripts/check-kernel.sh", 'echo check-kernel >>"$(dirname "$0")/../calls"\nexit 1\n');
    assert.equal(setup().code, 0);
    assert.equal(setup().code, 0);
    checkout.write("scripts/check-kernel.sh", 'echo check-kernel >>"$(dirname "$0")/../calls"\n');
    setup();
    setup();
    assert.equal(checkout.calls.filter((call) => call === "check-kernel").length, 3);
  });

  it("does not ask the kernel without root", () => {
    checkout.stub("id", "echo 1000");
    assert.equal(setup().code, 0);
    assert.equal(checkout.calls.includes("check-kernel"), false);
  });

  it("works from any folder", () => {
    assert.equal(checkout.run("sh", "-c", 'cd / && sh "$0"/scripts/setup.sh', checkout.path).code, 0);
    assert.equal(npmCalls().length, 1);
  });
});
