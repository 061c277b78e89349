import assert from "node:assert/strict";
import fc from "fast-check";
import { formatAddress, parseCidr } from "../../core/address.ts";
import { SluiceError } from "../../core/errors.ts";
import { type PathEnd, parseGuardedPath } from "../../enforcer/guarded-path.ts";
import { parseSelector } from "../../policy/selector/parse.ts";

const cases: readonly {
  readonly text: string;
  readonly from: PathEnd;
  readonly to: PathEnd;
  readonly port: readonly [number, number];
}[] = [
  {
    text: "storage/csi -> 10.0.5.0/24 : tcp/2049",
    from: { of: "pod", namespace: "storage", name: "csi" },
    to: { of: "net", cidr: parseCidr("10.0.5.0/24") },
    port: [6, 2049],
  },
  {
    text: "node:* -> storage/* : TCP/3260",
    from: { of: "node", name: null },
    to: { of: "pod", namespace: "storage", name: null },
    port: [6, 3260],
  },
  {
    text: "  node:node-1.example -> fd00::5 : udp/53 ",
    from: { of: "node", name: "node-1.example" },
    to: { of: "net", cidr: parseCidr("fd00::5") },
    port: [17, 53],
  },
  {
    text: `app == "web" && tier in {"a", "b"} -> all() : sctp/7`,
    from: { of: "selector", selector: parseSelector(`app == "web" && tier in {"a", "b"}`) },
    to: { of: "selector", selector: { op: "all" } },
    port: [132, 7],
  },
];

const faults: readonly { readonly text: string; readonly says: RegExp }[] = [
  { text: "", says: /write it as "from -> to : tcp\/443"/ },
  { text: "a/b -> c/d", says: /write it as/ },
  { text: "a/b->c/d:tcp/1", says: /write it as/ },
  { text: "a/b -> c/d : icmp/1", says: /"icmp" is none of tcp, udp, sctp/ },
  { text: "a/b -> c/d : tcp/0", says: /port 0 is none from 1 to 65535/ },
  { text: "a/b -> c/d : tcp/65536", says: /port 65536 is none/ },
  { text: "a/b -> 10.0.0.0/33 : tcp/1", says: /"10.0.0.0\/33" has a prefix longer than 32 bits/ },
  { text: "a/b -> 10.0.0 : tcp/1", says: /"10.0.0" is no CIDR/ },
  { text: "node:Big -> c/d : tcp/1", says: /"Big" is no name of a node/ },
  { text: "app = web -> c/d : tcp/1", says: /"app = web" is none of namespace\/pod, .*selector/ },
  { text: "A/b -> c/d : tcp/1", says: /"A\/b" is none of/ },
];

const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?$/);
const end = fc.oneof(
  fc.constantFrom("node:*", "all()", "app == 'web'", "has(x) || !has(y)"),
  name.map((one) => `node:${one}`),
  fc.tuple(name, fc.oneof(name, fc.constant("*"))).map((parts) => parts.join("/")),
  fc
    .tuple(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), fc.nat(32))
    .map(([value, bits]) => `${formatAddress(4, value)}/${bits}`),
);

describe("a guarded path", () => {
  for (const { text, from, to, port } of cases)
    it(`is read: ${text}`, () => {
      const path = parseGuardedPath(text);
      assert.deepEqual([path.name, path.from, path.to, [path.protocol, path.port]], [text.trim(), from, to, port]);
    });

  for (const { text, says } of faults)
    it(`is refused with its reason: ${text || "(nothing)"}`, () =>
      assert.throws(
        () => parseGuardedPath(text),
        (thrown: SluiceError) => thrown.code === "CONFIG_INVALID" && says.test(thrown.message),
      ));

  it("is read whatever its ends and port are", () => {
    const property = fc.property(
      end,
      end,
      fc.constantFrom("tcp", "udp"),
      fc.integer({ min: 1, max: 65_535 }),
      (from, to, over, port) => {
        assert.equal(parseGuardedPath(`${from} -> ${to} : ${over}/${port}`).port, port);
      },
    );
    fc.assert(property);
  });

  it("is read or refused, whatever the text", () => {
    const word = fc.oneof(end, fc.constantFrom("->", ":", "tcp/1", " ", "/"), fc.string());
    const property = fc.property(
      fc.array(word).map((words) => words.join(" ")),
      (text) => {
        try {
          parseGuardedPath(text);
        } catch (thrown) {
          assert.ok(thrown instanceof SluiceError && thrown.code === "CONFIG_INVALID", String(thrown));
        }
      },
    );
    fc.assert(property, { numRuns: 1_000 });
  });
});
