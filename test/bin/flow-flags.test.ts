import assert from "node:assert/strict";
import { filterOfFlags, type GivenFlag } from "../../bin/flow-flags.ts";
import { printFilter } from "../../core/filter/print.ts";

/** `--pod web --not --port 80` as they are given; `!` stands for --not. */
const cases: readonly (readonly [flags: string, filter: string])[] = [
  ["from-namespace=shop", "src.ns = shop"],
  ["namespace=shop", "src.ns = shop or dst.ns = shop"],
  ["namespace=shop,web", "(src.ns = shop or dst.ns = shop) or (src.ns = web or dst.ns = web)"],
  ["to-namespace=prod-*", "dst.ns ~ prod-*"],
  ["from-pod=web", "src.pod ~ (web, web-*)"],
  ["from-pod=shop/web", "src.ns = shop and src.pod ~ (web, web-*)"],
  ["to-pod=shop/", "dst.ns = shop"],
  ["pod=shop/web-?", "(src.ns = shop and src.pod ~ web-?) or (dst.ns = shop and dst.pod ~ web-?)"],
  ["from-workload=shop/web", "src.ns = shop and src.workload = web"],
  ["to-label=app=web,env!=dev", "dst.labels.app = web and dst.labels.env != dev"],
  ["from-label=!team", "not exists(src.labels.team)"],
  ["from-label=team in (a, b)", "src.labels.team in (a, b)"],
  ["from-label=team notin (a),app", "src.labels.team != a and exists(src.labels.app)"],
  ["from-label=k8s:app=web", "src.labels.app = web"],
  ["label=app=web", "src.labels.app = web or dst.labels.app = web"],
  ["ip=10.0.0.0/8", "ip = 10.0.0.0/8"],
  ["to-port=443", "dst.port = 443"],
  ["port=80,443", "(src.port = 80 or dst.port = 80) or (src.port = 443 or dst.port = 443)"],
  ["verdict=DROPPED", "verdict = deny"],
  ["verdict=deny verdict=unknown", "verdict = deny or verdict = unknown"],
  ["policy=quarantine", "policy ~ (quarantine, *.quarantine)"],
  ["policy=prod-shop/cart", "policy ~ (prod-shop/cart, prod-shop/*.cart)"],
  ["policy=np:prod-shop/cart", "policy ~ (np:prod-shop/cart, np:prod-shop/*.cart)"],
  ["policy=security.quarantine", "policy = security.quarantine"],
  ["policy=quar*", "policy ~ quar*"],
  ["traffic-direction=egress", "reporter = src"],
  ["type=drop", "verdict = deny"],
  ["type=policy-verdict", "verdict in (allow, deny)"],
  ["reason=POLICY_DENIED", "verdict = deny and not exists(reason)"],
  ["protocol=TCP tier=security", "protocol = tcp and tier = security"],
  ["!protocol=udp", "protocol != udp"],
  ["verdict=deny !node=node-1 !node=node-2", "verdict = deny and node != node-1 and node != node-2"],
  ["filter=bytes>1k", "bytes > 1000"],
];

const refused: readonly (readonly [flags: string, message: RegExp])[] = [
  ["port=99999", /^--port: "99999" is no port/],
  ["ip=here", /^--ip: "here" is no CIDR/],
  ["verdict=no", /^--verdict: "no" is no value of verdict/],
  ["from-label==", /^--from-label: "=" is no label selector/],
  ["type=dorp", /^--type: "dorp" is none of drop, trace, policy-verdict; did you mean drop\?/],
  ["pod=/", /^--pod: a name is missing/],
  ["namespace=", /^--namespace: a value is missing/],
  ["filter=nope", /^--filter: the filter is not accepted at position 1/],
];

function given(flags: string): readonly GivenFlag[] {
  return flags.split(/ (?=!?[a-z-]+=)(?!in )/).map((flag) => {
    const negated = flag.startsWith("!");
    const [name = "", ...value] = (negated ? flag.slice(1) : flag).split("=");
    return { name, value: value.join("="), negated };
  });
}

describe("bin/flow-flags", () => {
  for (const [flags, filter] of cases)
    it(`${flags} means ${filter}`, () => {
      const meant = filterOfFlags(given(flags), 0);
      assert.equal(meant === null ? null : printFilter(meant), filter);
    });
  for (const [flags, message] of refused)
    it(`${flags} is refused by the flag's name`, () => {
      assert.throws(() => filterOfFlags(given(flags), 0), { code: "FILTER_INVALID", message });
    });
  it("no flags mean every flow", () => assert.equal(filterOfFlags([], 0), null));
});
