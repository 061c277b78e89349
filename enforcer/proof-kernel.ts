import { SluiceError } from "../core/errors.ts";
import { AskedWorker } from "../core/netlink/asked-worker.ts";
import type { Counts } from "../core/netlink/nft-counters.ts";
import type { ProbeSighting } from "./probe-sequence.ts";

/** To the worker. */
export interface Request {
  readonly id: number;
  readonly namespace: string;
  readonly ask: "counters" | "probe" | "close";
}

/** From the worker. */
export type Answer =
  | { readonly id: number; readonly counters: Counts }
  | { readonly id: number; readonly sighting: ProbeSighting }
  | { readonly id: number; readonly fault: string };

/** What the kernel of one node can prove of its rules. */
export interface Proof {
  /** Values of the named counters of our table; none where there is no table. */
  counters(): Promise<Counts>;
  /** Sends a probe through the hooks of the node. */
  probe(): Promise<ProbeSighting>;
}

/** Proofs in any network namespace, by one worker thread that starts when needed. */
export class KernelProof {
  readonly #worker = new AskedWorker<Request, Answer>(
    new URL("./proof-worker.ts", import.meta.url),
    "proves enforcement",
  );

  /** By the path of the namespace; null is our own. */
  in(namespace: string | null): Proof {
    const path = namespace ?? `/proc/${process.pid}/ns/net`;
    return {
      counters: async () => {
        const answer = await this.#worker.ask({ namespace: path, ask: "counters" });
        return "counters" in answer ? answer.counters : failed(answer);
      },
      probe: async () => {
        const answer = await this.#worker.ask({ namespace: path, ask: "probe" });
        return "sighting" in answer ? answer.sighting : failed(answer);
      },
    };
  }

  /** Takes back what probes made in the namespaces. */
  async close(): Promise<void> {
    if (this.#worker.hasStarted) await this.#worker.ask({ namespace: "", ask: "close" });
    await this.#worker.close();
  }
}

function failed(answer: Answer): never {
  const fault = "fault" in answer ? answer.fault : "an answer to another question";
  throw new SluiceError("NETLINK_FAILED", fault, { retriable: true });
}
