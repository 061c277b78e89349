import type { Address } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";
import { AskedWorker } from "../core/netlink/asked-worker.ts";
import type { Connection, Conntrack } from "./conntrack.ts";
import { type PackedConnections, UnpackedConnections } from "./packed-connections.ts";

/** To the worker. */
export type Request = { readonly id: number; readonly namespace: string } & (
  | { readonly do: "list"; readonly links: boolean }
  | { readonly do: "delete"; readonly connections: readonly Pick<Connection, "id" | "zone" | "original">[] }
);

/** From the worker. */
export type Answer =
  | { readonly id: number; readonly packed: PackedConnections; readonly localAddresses: readonly Address[] }
  | { readonly id: number; readonly deleted: number }
  | { readonly id: number; readonly fault: string };

/** Connection tables of the kernel, of any network namespace, read by one worker thread that starts when needed. */
export class KernelConntrack {
  readonly #worker = new AskedWorker<Request, Answer>(
    new URL("./conntrack-worker.ts", import.meta.url),
    "reads connections",
  );

  /** By the path of the namespace; null is our own. */
  in(namespace: string | null): Conntrack {
    const path = namespace ?? `/proc/${process.pid}/ns/net`;
    return {
      list: async ({ links }) => {
        const answer = await this.#worker.ask({ namespace: path, do: "list", links });
        if (!("packed" in answer)) throw failed(answer);
        return { all: new UnpackedConnections(answer.packed), localAddresses: new Set(answer.localAddresses) };
      },
      delete: async (connections) => {
        const named = connections.map(({ id, zone, original }) => ({ id, zone, original }));
        const answer = await this.#worker.ask({ namespace: path, do: "delete", connections: named });
        if (!("deleted" in answer)) throw failed(answer);
        return answer.deleted;
      },
    };
  }

  close(): Promise<void> {
    return this.#worker.close();
  }
}

function failed(answer: Answer): SluiceError {
  const words = "fault" in answer ? answer.fault : "the thread that reads connections answered something else";
  return new SluiceError("NETLINK_FAILED", words, { retriable: true });
}
