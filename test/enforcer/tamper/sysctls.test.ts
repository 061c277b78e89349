import assert from "node:assert/strict";
import { sysctlFindings, watchedSysctls } from "../../../enforcer/tamper/sysctls.ts";

const good: Readonly<Record<string, string | null>> = {
  "net.ipv4.ip_forward": "1",
  "net.ipv6.conf.all.forwarding": "1",
  "net.netfilter.nf_conntrack_acct": "1",
  "net.netfilter.nf_conntrack_events": "2",
  "net.netfilter.nf_conntrack_tcp_loose": "1",
  "net.bridge.bridge-nf-call-iptables": "1",
  "net.bridge.bridge-nf-call-ip6tables": "1",
};

const findings = (changed: Readonly<Record<string, string | null>>, ipv6 = true, first = good) =>
  sysctlFindings(first, { ...good, ...changed }, { ipv6 }).map(({ sentence }) => sentence);

describe("enforcer/tamper/sysctls", () => {
  it("watches each of them", () => assert.deepEqual(watchedSysctls, Object.keys(good)));
  it("says nothing where all is well", () => assert.deepEqual(findings({}), []));

  for (const name of Object.keys(good))
    it(`tells when ${name} becomes 0`, () => {
      const [sentence, ...more] = findings({ [name]: "0" });
      assert.deepEqual(more, []);
      assert.match(sentence ?? "", new RegExp(`^${name.replaceAll(".", "\\.")} = 0 \\(it was [12]\\): `));
    });

  it("tells what is amiss from the start", () => {
    const bad = { ...good, "net.ipv4.ip_forward": "0" };
    assert.deepEqual(findings(bad, true, bad), ["net.ipv4.ip_forward = 0: this node forwards nothing for its pods"]);
  });

  it("takes tcp_loose as it was when watching began", () => {
    const strict = { "net.netfilter.nf_conntrack_tcp_loose": "0" };
    assert.deepEqual(findings(strict, true, { ...good, ...strict }), []);
  });

  it("asks for IPv6 only where pods have it", () =>
    assert.deepEqual(
      findings({ "net.ipv6.conf.all.forwarding": "0", "net.bridge.bridge-nf-call-ip6tables": "0" }, false),
      [],
    ));

  it("does not miss what is not there: a module that is not loaded", () =>
    assert.deepEqual(findings({ "net.bridge.bridge-nf-call-iptables": null }), []));
});
