import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { familyOf, parseAddress, widthOf } from "../../core/address.ts";
import { SluiceError } from "../../core/errors.ts";
import { applyLinks } from "../command.ts";
import {
  type Call,
  type CallTotals,
  hello,
  type Probe,
  type ProbeResult,
  type Reply,
  type Request,
  type ServedPort,
} from "./messages.ts";

/** The traffic program of one pod, node or external host. */
export interface Agent {
  /** Answers on these ports, IPv4 and IPv6, until the agent ends. */
  serve(ports: readonly ServedPort[]): Promise<void>;
  /** Makes one attempt; a failure to connect is a result, not an error. Throws ADDRESS_INVALID. */
  probe(probe: Probe): Promise<ProbeResult>;
  start(calls: readonly Call[]): Promise<void>;
  /** What the running calls came to so far. */
  totals(): Promise<CallTotals[]>;
  /** Stops calls by name, or all of them, and says what they came to. */
  stop(names?: readonly string[]): Promise<CallTotals[]>;
  close(): Promise<void>;
  /** Resolves when the agent is gone, for whatever reason. */
  readonly ended: Promise<void>;
}

const program = fileURLToPath(new URL("./agent.ts", import.meta.url));

export interface AgentOptions {
  /** Name of the network namespace. */
  readonly namespace: string;
  /** The agent's own addresses: a probe from any other is spoofed. */
  readonly addresses: readonly string[];
  /** A folder in which agents share compiled code; the second one starts in half the time. */
  readonly cache: string;
}

/** Starts an agent inside a network namespace. */
export async function startAgent({ namespace, addresses, cache }: AgentOptions): Promise<Agent> {
  const child = spawn("ip", ["netns", "exec", namespace, process.execPath, program], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    env: { NODE_COMPILE_CACHE: cache },
  });
  const agent = new AgentProcess(child, namespace, addresses);
  await agent.ready;
  return agent;
}

type Unsent<R> = R extends Request ? Omit<R, "id"> : never;

class AgentProcess implements Agent {
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #namespace: string;
  readonly #own: ReadonlySet<string>;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #spoofing: Promise<unknown> = Promise.resolve();
  #next = 1;

  constructor(child: ChildProcess, namespace: string, addresses: readonly string[]) {
    this.#child = child;
    this.#namespace = namespace;
    this.#own = new Set(addresses);
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    child.on("message", (message: Reply | typeof hello) => {
      if (message === hello) ready.resolve();
      else this.#settle(message);
    });
    this.ended = new Promise((resolve) => {
      const end = (cause?: Error) => {
        const gone = new SluiceError("LAB_FAILED", `the traffic agent in ${namespace} has ended`, { cause });
        ready.reject(gone);
        for (const { reject } of this.#waiting.values()) reject(gone);
        this.#waiting.clear();
        resolve();
      };
      child.on("error", end);
      child.on("exit", () => end());
    });
  }

  async serve(ports: readonly ServedPort[]): Promise<void> {
    await this.#ask({ op: "serve", ports });
  }

  async probe(probe: Probe): Promise<ProbeResult> {
    const { address, sourceAddress } = probe;
    parseAddress(address); // a name would be looked up, on the host's terms
    if (sourceAddress === undefined || this.#own.has(parseAddress(sourceAddress))) return this.#probe(probe);
    const result = this.#spoofing.then(() => this.#spoof(sourceAddress, probe));
    this.#spoofing = result.catch(() => {});
    return result;
  }

  async start(calls: readonly Call[]): Promise<void> {
    for (const { probe } of calls) parseAddress(probe.address);
    await this.#ask({ op: "start", calls });
  }

  async totals(): Promise<CallTotals[]> {
    return (await this.#ask({ op: "totals" })) as CallTotals[];
  }

  async stop(names?: readonly string[]): Promise<CallTotals[]> {
    return (await this.#ask({ op: "stop", names: names ?? null })) as CallTotals[];
  }

  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.ended;
  }

  async #probe(probe: Probe): Promise<ProbeResult> {
    return (await this.#ask({ op: "probe", probe })) as ProbeResult;
  }

  /** Does what a spoofing pod with CAP_NET_ADMIN would: takes the address for as long as the probe lasts. One at a time. */
  async #spoof(sourceAddress: string, probe: Probe): Promise<ProbeResult> {
    const address = parseAddress(sourceAddress);
    const taken = `${address}/${widthOf(familyOf(address))} dev eth0`;
    await applyLinks({
      namespace: this.#namespace,
      lines: [`addr add ${taken}${familyOf(address) === 6 ? " nodad" : ""}`],
    });
    try {
      return await this.#probe(probe);
    } finally {
      await applyLinks({ namespace: this.#namespace, lines: [`addr del ${taken}`] });
    }
  }

  #ask(request: Unsent<Request>): Promise<unknown> {
    const id = this.#next++;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    this.#child.send({ ...request, id }, (cause) => {
      if (cause === null) return;
      this.#waiting.delete(id);
      answer.reject(new SluiceError("LAB_FAILED", `cannot reach the traffic agent in ${this.#namespace}`, { cause }));
    });
    return answer.promise;
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(new SluiceError("LAB_FAILED", `agent in ${this.#namespace}: ${reply.error}`));
    else waiting?.resolve(reply.result);
  }
}
