import type { Clock } from "../clock.ts";
import type { Access, MayAccess } from "../kube/api/access.ts";
import type { Readable } from "./seen-flow.ts";

/** What RBAC grants for the flows of a namespace; without a namespace for all. The resource exists there only. */
export const flowAccess: Access = { group: "controls.sluice.dev", resource: "flows", verb: "get" };

export interface NamespaceAccessOptions {
  readonly may: MayAccess;
  readonly clock: Clock;
  /** An answer counts for so long: as long does a right that was taken away. */
  readonly keptMs?: number;
}

/** So many questions at a time. */
const atOnce = 16;

/** The namespaces whose flows one person may read, as the API server says. */
export class NamespaceAccess {
  readonly #options: NamespaceAccessOptions;
  readonly #answers = new Map<string, { readonly at: number; readonly answer: Promise<boolean> }>();

  constructor(options: NamespaceAccessOptions) {
    this.#options = options;
  }

  /** Of these. Throws what asking throws: nobody reads by a guess. */
  async readable(namespaces: () => Promise<readonly string[]>): Promise<Readable> {
    if (await this.#may(undefined)) return "all";
    const candidates = [...new Set(await namespaces())];
    const readable = new Set<string>();
    for (let at = 0; at < candidates.length; at += atOnce) {
      const some = candidates.slice(at, at + atOnce);
      const answers = await Promise.all(some.map((namespace) => this.#may(namespace)));
      for (const [index, namespace] of some.entries()) if (answers[index]) readable.add(namespace);
    }
    return readable;
  }

  #may(namespace: string | undefined): Promise<boolean> {
    const { may, clock, keptMs = 10_000 } = this.#options;
    const key = namespace ?? "";
    const known = this.#answers.get(key);
    if (known !== undefined && clock.monotonic() - known.at < keptMs) return known.answer;
    const answer = may({ ...flowAccess, ...(namespace !== undefined && { namespace }) });
    this.#answers.set(key, { at: clock.monotonic(), answer });
    // A failure is no answer.
    answer.catch(() => {
      if (this.#answers.get(key)?.answer === answer) this.#answers.delete(key);
    });
    return answer;
  }
}
