import { type Address, parseAddress } from "../../core/address.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import { evaluatorOf } from "../../policy/evaluate.ts";
import type { ProgramSettings } from "../../policy/program-settings.ts";
import type { Packet, Verdict } from "../../policy/verdict.ts";
import { World } from "../../policy/world.ts";

type Labels = Readonly<Record<string, string>>;

/** Objects for tests that name only what matters. Pods get addresses 10.244.NODE.N and fd00:10:244:NODE::N in the order of their making. */
export class WorldBuilder {
  readonly objects: KubeObject[] = [];
  readonly #addresses = new Map<string, readonly Address[]>();
  #pods = 0;
  /** What the operator set; undefined: nothing. */
  programSettings: ProgramSettings | undefined;

  namespace(name: string, labels: Labels = {}): this {
    return this.#add("v1", "Namespace", { name, labels: { "kubernetes.io/metadata.name": name, ...labels } });
  }

  node(name: string, ...addresses: string[]): this {
    return this.#add(
      "v1",
      "Node",
      { name },
      { status: { addresses: addresses.map((address) => ({ type: "InternalIP", address })) } },
    );
  }

  /** `path` is `namespace/name`. */
  pod(
    path: string,
    labels: Labels = {},
    more: {
      node?: string;
      serviceAccountName?: string;
      hostNetwork?: boolean;
      ports?: readonly object[];
      ips?: readonly string[];
    } = {},
  ): this {
    const [namespace, name] = path.split("/") as [string, string];
    this.#pods += 1;
    const ips = more.ips ?? [`10.244.1.${this.#pods}`, `fd00:10:244:1::${this.#pods.toString(16)}`];
    this.#addresses.set(path, ips.map(parseAddress));
    const { node = "node-a", ports = [], ips: _, ...spec } = more;
    return this.#add(
      "v1",
      "Pod",
      { namespace, name, labels },
      {
        spec: { nodeName: node, containers: [{ name: "main", image: "none", ports }], ...spec },
        status: { phase: "Running", podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) },
      },
    );
  }

  tier(name: string, order: number, defaultAction: "Deny" | "Pass" = "Deny"): this {
    return this.#add("projectcalico.org/v3", "Tier", { name }, { spec: { order, defaultAction } });
  }

  global(name: string, spec: object): this {
    return this.#add("projectcalico.org/v3", "GlobalNetworkPolicy", { name }, { spec });
  }

  host(name: string, spec: object, labels: Labels = {}): this {
    return this.#add("projectcalico.org/v3", "HostEndpoint", { name, labels }, { spec });
  }

  staged(name: string, spec: object): this {
    return this.#add("projectcalico.org/v3", "StagedGlobalNetworkPolicy", { name }, { spec });
  }

  policy(path: string, spec: object): this {
    const [namespace, name] = path.split("/") as [string, string];
    return this.#add("projectcalico.org/v3", "NetworkPolicy", { namespace, name }, { spec });
  }

  kubernetesPolicy(path: string, spec: object): this {
    const [namespace, name] = path.split("/") as [string, string];
    return this.#add("networking.k8s.io/v1", "NetworkPolicy", { namespace, name }, { spec });
  }

  serviceAccount(path: string, labels: Labels = {}): this {
    const [namespace, name] = path.split("/") as [string, string];
    return this.#add("v1", "ServiceAccount", { namespace, name, labels });
  }

  /** The first address of a pod of that family, or the text itself as an address. */
  address(of: string, family: 4 | 6 = 4): Address {
    const known = this.#addresses.get(of)?.find((address) => address.includes(":") === (family === 6));
    return known ?? parseAddress(of);
  }

  settings(settings: ProgramSettings): this {
    this.programSettings = settings;
    return this;
  }

  world(): World {
    const world = new World(this.programSettings);
    const faults = world.apply(this.objects.map((object) => ({ type: "upsert", object })));
    if (faults.length > 0)
      throw new Error(JSON.stringify(faults.map(({ object, problems }) => ({ name: object.metadata.name, problems }))));
    return world;
  }

  #add(apiVersion: string, kind: string, metadata: KubeObject["metadata"], rest: object = {}): this {
    this.objects.push({ apiVersion, kind, metadata, ...rest });
    return this;
  }
}

export const world = (): WorldBuilder => new WorldBuilder();

/** `a/web -> b/api tcp/80`, `a/web -> 8.8.8.8 udp/53`, `a/web -> b/api icmp/8`; `6` after the arrow's end picks IPv6: `tcp6/80`. */
export function packet(builder: WorldBuilder, text: string): Packet {
  const [, from, to, protocol, six, port] = /^(\S+) -> (\S+) (tcp|udp|sctp|icmp)(6?)\/(\d+)$/.exec(text) ?? [];
  if (from === undefined || to === undefined) throw new Error(`no packet: ${text}`);
  const family = six === "6" ? 6 : 4;
  const isIcmp = protocol === "icmp";
  const number = isIcmp ? (family === 6 ? 58 : 1) : { tcp: 6, udp: 17, sctp: 132 }[protocol as "tcp"];
  return {
    source: builder.address(from, family),
    destination: builder.address(to, family),
    protocol: number,
    sourcePort: isIcmp ? 0 : 40000,
    destinationPort: isIcmp ? 0 : Number(port),
    icmp: isIcmp ? { type: Number(port), code: 0 } : null,
  };
}

export function decide(builder: WorldBuilder, text: string): Verdict {
  const world = builder.world();
  return evaluatorOf(world.program(), world.placement())(packet(builder, text));
}

/** The deciding rule of a verdict in short: `deny security|gnp:security.quarantine|0`. */
export function reasonOf(builder: WorldBuilder, verdict: Verdict): string {
  const path = verdict.egress?.action === "deny" ? verdict.egress : (verdict.ingress ?? verdict.egress);
  if (path === null) return `${verdict.action} ${verdict.exempt ?? "outside"}`;
  const origin = builder.world().program().rules.get(path.rule);
  if (origin === undefined) throw new Error(`rule ${path.rule} is unknown`);
  const name = origin.namespace === null ? origin.name : `${origin.namespace}/${origin.name}`;
  return `${verdict.action} ${origin.tier}|${origin.kind}:${name}|${origin.rule}`;
}
