import { parseAddress } from "../../../core/address.ts";
import type { Flow } from "../../../core/records/flow.ts";
import { flow, loss, network, nodeEndpoint, pod, unknown } from "../../support/flows.ts";

const hash = { "pod-template-hash": "6c7d8f9b5c" };
const web = {
  ...pod("prod-web/web-6c7d8f9b5c-tm3fx", { app: "web", tier: "front", ...hash }),
  workload: "web",
};
const catalog = { ...pod("prod-shop/catalog-5f6d7c8b9d-abcde", { app: "catalog", team: "shop" }), workload: "catalog" };
const loadTest = { ...pod("dev-shop/load-test-9fkx2", { app: "load-test", env: "dev" }), workloadKind: "Job" };
const viaCatalog = {
  source: web,
  destination: catalog,
  service: { namespace: "prod-shop", name: "catalog", port: "http" },
  enforced: [
    "0|platform|gnp:platform.dns|pass|1",
    "1|security|gnp:security.pci|pass|2",
    "2|app|np:prod-shop/app.catalog|allow|0",
  ],
};

/** One of everything that the table can show; the second connection equals the first but for its number. */
const shown: readonly Partial<Flow>[] = [
  { connection: 1, ...viaCatalog },
  { connection: 2, ...viaCatalog },
  { state: "denied", denied: "egress", source: loadTest, enforced: ["0|security|gnp:security.dev-not-prod|deny|0"] },
  { state: "denied", enforced: ["0|__PROFILE__|pro:kns.dev-shop|allow|0", "0|app|np:prod-shop/app.api|deny|-1"] },
  { state: "denied", enforced: ["0|default|knp:prod-shop/allow-web|deny|-1"], destinationPort: 5432 },
  {
    connection: 3,
    destination: network,
    reporter: "src",
    destinationAddress: parseAddress("2001:db8::1"),
    destinationPort: 443,
    bytes: 12_345_678,
    packets: 98_765,
    enforced: ["0|__PROFILE__|pro:kns.dev-shop|allow|0"],
  },
  { connection: 4, source: nodeEndpoint("node-1"), protocol: 1, icmp: { type: 8, code: 0, id: 4 }, destinationPort: 0 },
  {
    connection: 5,
    mode: "observed",
    verdictSource: "evaluated",
    enforced: ["0|security|gnp:security.dev-not-prod|deny|0"],
  },
  { state: "denied", denied: "egress", reason: "spoofed", source: unknown, sourcePort: 9 },
  { connection: 6, action: "unknown", reporter: "unknown", authoritative: false, verdictSource: "unknown" },
];

/** Records that the table leaves out: another node's view, and a later window of the first connection. */
const hidden: readonly Partial<Flow>[] = [
  { connection: 7, reporter: "src", authoritative: false },
  { connection: 8, reporter: "fwd", authoritative: false },
  { connection: 1, ...viaCatalog, state: "closed", bytes: 1_000_000 },
];

export const scene: readonly Flow[] = [...shown, ...hidden].map((parts, seq) => flow({ ...parts, seq }));

export const sceneLosses = [
  loss({ source: "queue", count: 1234, detail: "denied packets beyond the different ones kept per window" }),
  loss({ source: "conntrack", node: "node-2" }),
];
