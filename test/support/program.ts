import { parseAddress, parseCidr } from "../../core/address.ts";
import { type RuleId, ruleIdOf } from "../../core/rule-id.ts";
import type { ClassId, Endpoint, EndpointId, Members, Placement, PolicyClass, Stage } from "../../policy/placement.ts";
import type {
  Applicability,
  BlockId,
  Instruction,
  Match,
  Program,
  SetDefinition,
  SetId,
} from "../../policy/program.ts";

export type Verdict = Instruction["verdict"];

/** The n-th rule id. */
export function rule(number: number): RuleId {
  return ruleIdOf(Uint8Array.of(0x10, 0, 0, 0, 0, 0, number >> 8, number & 255));
}

export function instruction(number: number, verdict: Verdict, ...when: readonly Match[]): Instruction {
  return { id: rule(number), when, verdict };
}

/**
 * Programs and Placements by hand, without policies or labels. Names of sets, blocks, classes and pods are free. What a set holds by
 * address stands behind a Service: nothing else has members for a reason that no endpoint tells.
 */
export class ProgramBuilder {
  readonly #sets = new Map<SetId, SetDefinition>();
  readonly #blocks = new Map<BlockId, readonly Instruction[]>();
  readonly #members = new Map<SetId, Members>();
  readonly #classes = new Map<ClassId, PolicyClass>();
  readonly #classOf = new Map<EndpointId, ClassId>();
  readonly #endpoints = new Map<EndpointId, Endpoint>();

  addresses(set: string, ...addresses: readonly string[]): this {
    return this.#set(set, service(set, "addresses"), { addresses: addresses.map(parseAddress) });
  }

  cidrs(set: string, ...texts: readonly string[]): this {
    const cidrs = texts.map(parseCidr);
    return this.#set(set, { kind: "cidrs", cidrs }, { cidrs });
  }

  /** Addresses of pods, and CIDRs of network sets. */
  mixed(set: string, addresses: readonly string[], cidrs: readonly string[]): this {
    const members = { addresses: addresses.map(parseAddress), cidrs: cidrs.map(parseCidr) };
    return this.#set(set, { kind: "selector", selector: set }, members);
  }

  /** Ports as `address protocol port`. */
  ports(set: string, ...texts: readonly string[]): this {
    const ports = texts.map((text) => {
      const [address = "", protocol, port] = text.split(" ");
      return { address: parseAddress(address), protocol: Number(protocol), port: Number(port) };
    });
    return this.#set(set, service(set, "ports"), { ports });
  }

  block(name: string, ...instructions: readonly Instruction[]): this {
    this.#blocks.set(name as BlockId, instructions);
    return this;
  }

  /** Stages as [blocks, otherwise]. */
  class(name: string, stages: Partial<Record<"egress" | "ingress", readonly StageSpec[]>>): this {
    const id = name as ClassId;
    const { egress = [], ingress = [] } = stages;
    const nothing = { egress: [], ingress: [] };
    const others = {
      forward: nothing,
      preDnat: nothing,
      untracked: nothing,
      failsafe: nothing,
      answers: nothing,
      toOwnNode: nothing,
    };
    this.#classes.set(id, {
      id,
      egress: egress.map(stageOf("egress")),
      ingress: ingress.map(stageOf("ingress")),
      others,
    });
    return this;
  }

  pod(name: string, node: string, addresses: readonly string[], policyClass?: string): this {
    const id = `pod:${name}` as EndpointId;
    if (policyClass !== undefined) this.#classOf.set(id, policyClass as ClassId);
    return this.#endpoint({ id, kind: "pod", namespace: "test", name, node, addresses: addresses.map(parseAddress) });
  }

  node(name: string, ...addresses: readonly string[]): this {
    const id = `node:${name}` as EndpointId;
    return this.#endpoint({
      id,
      kind: "node",
      namespace: null,
      name,
      node: null,
      addresses: addresses.map(parseAddress),
    });
  }

  program(): Program {
    return { revision: "0", sets: this.#sets, blocks: this.#blocks, applies: [], rules: new Map(), notEnforced: [] };
  }

  placement(): Placement {
    const [classOf, classes] = [this.#classOf, this.#classes];
    return { classOf, classes, members: this.#members, endpoints: this.#endpoints };
  }

  #set(name: string, definition: SetDefinition, members: Partial<Members>): this {
    this.#sets.set(name as SetId, definition);
    this.#members.set(name as SetId, { addresses: [], cidrs: [], ports: [], ...members });
    return this;
  }

  #endpoint(endpoint: Omit<Endpoint, "labels" | "ports" | "hostNetwork" | "nets" | "interfaceName">): this {
    this.#endpoints.set(endpoint.id, {
      ...endpoint,
      nets: [],
      interfaceName: null,
      labels: {},
      ports: [],
      hostNetwork: false,
    });
    return this;
  }
}

function service(set: string, holds: "addresses" | "ports"): SetDefinition {
  return { kind: "service", namespace: "test", name: set, with: holds };
}

export type StageSpec = readonly [blocks: readonly string[], otherwise: Instruction];

function stageOf(direction: "egress" | "ingress"): (spec: StageSpec, index: number) => Stage {
  return ([blocks, otherwise], stage) => ({
    otherwise,
    blocks: blocks.map(
      (block): Applicability => ({
        list: "normal",
        direction,
        selector: "",
        stage,
        block: block as BlockId,
        otherwise,
      }),
    ),
  });
}

export const program = (): ProgramBuilder => new ProgramBuilder();

export const inSet = (field: "source" | "destination", set: string, not = false): Match => ({
  field,
  in: set as SetId,
  not,
});
export const protocol = (is: number, not = false): Match => ({ field: "protocol", is, not });

/** Ports as `80`, `8000-8080` or `@set` of named ports. */
export function ports(field: "sourcePort" | "destinationPort", texts: readonly string[], not = false): Match {
  const named = texts.filter((text) => text.startsWith("@")).map((text) => text.slice(1) as SetId);
  const ranges = texts
    .filter((text) => !text.startsWith("@"))
    .map((text) => text.split("-").map(Number))
    .map(([from = 0, to = from]) => ({ from, to }));
  return { field, ranges, named, not };
}
