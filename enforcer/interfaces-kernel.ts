import type { Address } from "../core/address.ts";
import { SluiceError } from "../core/errors.ts";
import { AskedWorker } from "../core/netlink/asked-worker.ts";
import type { Interfaces, Links } from "./interfaces.ts";

/** To the worker. */
export interface Request {
  readonly id: number;
  readonly namespace: string;
}

/** Links as a message between threads. */
export type Told = Readonly<Record<keyof Links, readonly (readonly [Address, string])[]>>;

/** From the worker; null if nothing changed. */
export type Answer =
  | { readonly id: number; readonly told: Told | null }
  | { readonly id: number; readonly fault: string };

/** Interfaces from the kernel's routing tables, of any network namespace, read by one worker thread that starts when needed. */
export class KernelInterfaces {
  readonly #worker = new AskedWorker<Request, Answer>(
    new URL("./interfaces-worker.ts", import.meta.url),
    "reads routes",
  );

  /** By the path of the namespace; null is our own. One reader per namespace: it is told each change once. */
  in(namespace: string | null): Interfaces {
    let known: Links = { behind: new Map(), own: new Map() };
    return {
      read: async () => {
        const answer = await this.#worker.ask({ namespace: namespace ?? `/proc/${process.pid}/ns/net` });
        if ("fault" in answer) throw new SluiceError("NETLINK_FAILED", answer.fault, { retriable: true });
        if (answer.told !== null) known = { behind: new Map(answer.told.behind), own: new Map(answer.told.own) };
        return known;
      },
    };
  }

  close(): Promise<void> {
    return this.#worker.close();
  }
}
