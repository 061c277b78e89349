import type { Clock } from "../clock.ts";
import type { Access, MayAccess } from "../kube/api/access.ts";
import type { Readable } from "./seen-flow.ts";

/** What RBAC grants for the flows of a namespace; without a namespace for all. The resource exists there only. */
const flowAccess: Access = { group: "controls.sluice.dev", resource: "flows", verb: "get" };

export interface NamespaceAccessOptions {
  readonly may: MayAccess;
  /** Those that there are, or that matter. */
  readonly namespaces: () => Promise<readonly string[]>;
  readonly clock: Clock;
  /** An answer counts for so long: as long does a right that was taken away. */
  readonly keptMs?: number;
}

/** So many questions at a time. */
const atOnce = 16;

/** The namespaces whose flows one person may read, as the API server says. */
export class NamespaceAccess {
  readonly #options: NamespaceAccessOptions;
  readonly #may: (namespace: string | undefined) => Promise<boolean>;
  readonly #namespaces: () => Promise<readonly string[]>;

  constructor(options: NamespaceAccessOptions) {
    this.#options = options;
    const { may, namespaces } = options;
    const answers = new Map<string | undefined, () => Promise<boolean>>();
    this.#namespaces = this.#kept(namespaces);
    this.#may = (namespace) => {
      const ask =
        answers.get(namespace) ??
        this.#kept(() => may({ ...flowAccess, ...(namespace !== undefined && { namespace }) }));
      answers.set(namespace, ask);
      return ask();
    };
  }

  /** Throws what asking throws: nobody reads by a guess. */
  async readable(): Promise<Readable> {
    if (await this.#may(undefined)) return "all";
    const candidates = [...new Set(await this.#namespaces())];
    const readable = new Set<string>();
    for (let at = 0; at < candidates.length; at += atOnce) {
      const some = candidates.slice(at, at + atOnce);
      const answers = await Promise.all(some.map(this.#may));
      for (const [index, namespace] of some.entries()) if (answers[index]) readable.add(namespace);
    }
    return readable;
  }

  /** Asks again once an answer is too old; a failure is no answer. */
  #kept<T>(ask: () => Promise<T>): () => Promise<T> {
    const { clock, keptMs = 10_000 } = this.#options;
    let known: { readonly at: number; readonly answer: Promise<T> } | undefined;
    return () => {
      const now = clock.monotonic();
      if (known !== undefined && now - known.at < keptMs) return known.answer;
      const asked = { at: now, answer: ask() };
      asked.answer.catch(() => {
        if (known === asked) known = undefined;
      });
      known = asked;
      return asked.answer;
    };
  }
}
