import assert from "node:assert/strict";
import { Checkout } from "./stubs.ts";

const result = "3 passed, 0 failed, 1 skipped";

describe(".ci/run", function () {
  this.timeout(20_000); // real files or processes, on a machine that may be busy
  let checkout: Checkout;
  beforeEach(() => {
    checkout = new Checkout();
    checkout.copy(".ci/run");
  });
  afterEach(() => checkout.remove());

  for (const { title, test, check, code, last } of [
    { title: "passes when tests and checks do", test: `echo "${result}"`, check: "", code: 0, last: result },
    {
      title: "fails when a test does, and still checks",
      test: 'echo "2 passed, 1 failed, 0 skipped"; exit 1',
      check: "echo checked",
      code: 1,
      last: "2 passed, 1 failed, 0 skipped",
    },
    { title: "fails when a check does", test: `echo "${result}"`, check: "exit 2", code: 1, last: result },
    {
      title: "fails without a result, although npm says all is well",
      test: "echo nothing",
      check: "",
      code: 1,
      last: "no test result",
    },
    {
      title: "takes the last result",
      test: `echo "1 passed, 0 failed, 0 skipped"; echo "${result}"`,
      check: "",
      code: 0,
      last: result,
    },
  ])
    it(title, () => {
      checkout.stub("npm", `if [ "$1" = test ]; then ${test}; else ${check || "true"}; fi`);
      const { code: actual, output } = checkout.run("bash", ".ci/run");
      assert.equal(actual, code);
      assert.equal(output.trimEnd().split("\n").at(-1), last);
      assert.deepEqual(checkout.calls, ["npm test", "npm run check"]);
    });

  it("tells tests that what is missing is a failure here", () => {
    checkout.stub("npm", `echo "CI=$CI"; echo "${result}"`);
    assert.match(checkout.run("bash", ".ci/run").output, /CI=true/);
  });
});
