import assert from "node:assert/strict";
import { planCluster } from "../../lab/plan.ts";
import { hasLink, type LinkScript, renderLinks, renderPod, renderPodRemoval } from "../../lab/render-links.ts";
import { renderProxy } from "../../lab/render-proxy.ts";
import { settingsOf } from "../../lab/sysctl.ts";
import { node, pod, service } from "./objects.ts";

const web = pod("shop/web", { ips: ["10.244.1.2", "fd00:10:244:1::2"] });
const far = pod("shop/far", { on: 2, ips: ["10.99.0.1"] });
const externals = [{ name: "bank", addresses: ["203.0.113.1"] }];
const plan = planCluster([node(1), node(2), web, far], { name: "a", externals });

function linesIn(scripts: readonly LinkScript[], namespace: string): readonly string[] {
  return scripts.filter((script) => script.namespace === namespace).flatMap(({ lines }) => lines);
}

describe("links of a cluster", () => {
  const { namespaces, links, insides } = renderLinks(plan);

  const cases = [
    {
      title: "a pod has its address alone and a permanent IPv4 gateway",
      inside: "sluice-a-pod-shop.web",
      lines: [
        "addr add 10.244.1.2/32 dev eth0",
        "neigh add 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev eth0 nud permanent",
        "route add default via 169.254.1.1 dev eth0 onlink",
      ],
    },
    {
      title: "a pod discovers its IPv6 gateway",
      inside: "sluice-a-pod-shop.web",
      lines: ["addr add fd00:10:244:1::2/128 dev eth0 nodad", "route add default via fe80::1 dev eth0"],
    },
    {
      title: "a node has a route to each address of its pods",
      inside: "sluice-a-node-node-1",
      lines: [
        `route add 10.244.1.2/32 dev ${plan.pods[0]?.link} src 172.30.0.11`,
        `route add fd00:10:244:1::2/128 dev ${plan.pods[0]?.link} src fd00:172:30::11`,
      ],
    },
    {
      title: "a node reaches the other's pods through its InternalIP",
      inside: "sluice-a-node-node-1",
      lines: [
        "route add 10.244.2.0/24 via 172.30.0.12 dev eth0 onlink",
        "route add fd00:10:244:2::/64 via fd00:172:30::12 dev eth0 onlink",
      ],
    },
    {
      title: "a node reaches the other's addresses outside of all CIDRs",
      inside: "sluice-a-node-node-1",
      lines: ["route add 10.99.0.1/32 via 172.30.0.12 dev eth0 onlink"],
    },
    {
      title: "a node reaches external hosts on the link",
      inside: "sluice-a-node-node-1",
      lines: ["route add 203.0.113.1/32 dev eth0 src 172.30.0.11"],
    },
    {
      title: "an external host knows the way to the pods, in its own family only",
      inside: "sluice-a-external-bank",
      lines: ["route add 10.244.1.0/24 via 172.30.0.11 dev eth0 onlink"],
    },
    {
      title: "the fabric switches without spanning tree and snooping",
      inside: "sluice-a-fabric",
      lines: ["link add br0 type bridge stp_state 0 mcast_snooping 0"],
    },
  ];
  for (const { title, inside, lines } of cases)
    it(title, () => {
      const found = linesIn(insides, inside);
      for (const line of lines) assert.ok(found.includes(line), `${line}\nnot in\n${found.join("\n")}`);
    });

  it("nothing of IPv6 is told to an IPv4 host", () =>
    assert.deepEqual(
      linesIn(insides, "sluice-a-external-bank").filter((line) => line.includes("fd00")),
      [],
    ));

  it("every namespace is made before it is used, and every link gets two of them", () => {
    const made = new Set(namespaces.lines.map((line) => line.replace("netns add ", "")));
    for (const line of links.lines) {
      const used = [...line.matchAll(/netns (\S+)/g)].map(([, name]) => name ?? "");
      assert.equal(used.length, 2);
      for (const name of used) assert.ok(made.has(name), name);
    }
    for (const { namespace } of insides) assert.ok(namespace !== null && made.has(namespace));
  });

  it("a pod that comes later gets the lines it would have had from the start", () => {
    const [late] = plan.pods.filter(hasLink);
    assert.ok(late);
    const { insides: added } = renderPod(plan, late);
    for (const { namespace, lines } of added) {
      const all = linesIn(insides, namespace ?? "");
      for (const line of lines) assert.ok(all.includes(line), line);
    }
  });

  it("a pod that goes loses its link first and its namespace last", () => {
    const away = plan.pods.filter(hasLink).find(({ id }) => id === "shop/far");
    assert.ok(away);
    assert.deepEqual(
      renderPodRemoval(plan, away).map(({ namespace, lines }) => `${namespace ?? "here"}: ${lines.join("; ")}`),
      [
        `sluice-a-node-node-2: link del ${away.link}`,
        "sluice-a-node-node-1: route del 10.99.0.1/32 via 172.30.0.12 dev eth0 onlink",
        "sluice-a-external-bank: route del 10.99.0.1/32 via 172.30.0.12 dev eth0 onlink",
        "here: netns del sluice-a-pod-shop.far",
      ],
    );
  });
});

describe("kernel settings of a cluster", () => {
  const settingOf = (namespace: string, name: string) =>
    settingsOf(plan)
      .find((settings) => settings.namespace === `/run/netns/${namespace}`)
      ?.values.find((setting) => setting.name === name)?.value;

  it("nodes forward both families", () =>
    assert.deepEqual(
      ["ipv4/ip_forward", "ipv6/conf/all/forwarding"].map((name) => settingOf("sluice-a-node-node-1", name)),
      ["1", "1"],
    ));
  it("pods do not", () => assert.equal(settingOf("sluice-a-pod-shop.web", "ipv4/ip_forward"), undefined));
  it("reverse path filtering is off everywhere, so that policy meets spoofed packets", () => {
    for (const { values } of settingsOf(plan))
      for (const name of ["ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter"])
        assert.equal(values.find((setting) => setting.name === name)?.value, "0");
  });
});

describe("Service addresses as an nft transaction", () => {
  const selector = { app: "web" };
  const text = (spec: object, pods = [web]) =>
    renderProxy(planCluster([node(1), ...pods, service("shop/s", { selector, ...spec })], { name: "a" }).frontends);

  it("replaces the lab's own table and no other", () => {
    const tables = [...renderProxy([]).matchAll(/table (\S+ \S+)/g)].map(([, name]) => name);
    assert.deepEqual(new Set(tables), new Set(["inet sluice_lab_proxy"]));
    assert.match(renderProxy([]), /^table inet sluice_lab_proxy\ndelete table inet sluice_lab_proxy\n/);
  });

  const other = pod("shop/other", { ips: ["10.244.1.3"], labels: selector });
  const cases = [
    {
      title: "one backend is a plain target",
      rendered: text({ clusterIP: "10.96.0.1", ports: [{ port: 80, targetPort: 8080 }] }),
      line: "ip daddr 10.96.0.1 tcp dport 80 dnat ip to 10.244.1.2:8080",
    },
    {
      title: "an IPv6 target stands in brackets",
      rendered: text({ clusterIP: "fd00:10:96::1", ports: [{ port: 80 }] }),
      line: "ip6 daddr fd00:10:96::1 tcp dport 80 dnat ip6 to [fd00:10:244:1::2]:80",
    },
    {
      title: "several backends are drawn by lot",
      rendered: text({ clusterIP: "10.96.0.1", ports: [{ port: 53, protocol: "UDP" }] }, [web, other]),
      line: "ip daddr 10.96.0.1 udp dport 53 dnat ip to numgen random mod 2 map { 0 : 10.244.1.2 . 53, 1 : 10.244.1.3 . 53 }",
    },
    {
      title: "without backends TCP is reset",
      rendered: text({ clusterIP: "10.96.0.1", ports: [{ port: 80 }] }, []),
      line: "ip daddr 10.96.0.1 tcp dport 80 reject with tcp reset",
    },
    {
      title: "without backends UDP is unreachable",
      rendered: text({ clusterIP: "10.96.0.1", ports: [{ port: 53, protocol: "UDP" }] }, []),
      line: "ip daddr 10.96.0.1 udp dport 53 reject",
    },
    {
      title: "a pod that reaches itself gets another source",
      rendered: text({ clusterIP: "10.96.0.1", ports: [{ port: 80 }, { port: 81 }] }),
      line: "elements = { 10.244.1.2 . 10.244.1.2 }",
    },
  ];
  for (const { title, rendered, line } of cases)
    it(title, () =>
      assert.ok(
        rendered.split("\n").some((found) => found.trim() === line),
        rendered,
      ),
    );
});
