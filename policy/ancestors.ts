import type { Labels } from "./selector/syntax.ts";

/** Whose labels others inherit. */
export interface Ancestor {
  readonly of: "Namespace" | "ServiceAccount";
  /** Of a service account; null: it has none, and no heirs. */
  readonly namespace: string | null;
  readonly name: string;
  readonly labels: Labels;
}

/** Labels of namespaces and service accounts. */
export class Ancestors {
  readonly #namespaces = new Map<string, Labels>();
  /** By namespace, then by name. */
  readonly #accounts = new Map<string, Map<string, Labels>>();

  put({ of, namespace, name, labels }: Ancestor): void {
    if (of === "Namespace") this.#namespaces.set(name, labels);
    else if (namespace !== null) this.#accountsOf(namespace).set(name, labels);
  }

  delete({ of, namespace, name }: Ancestor): void {
    if (of === "Namespace") this.#namespaces.delete(name);
    else if (namespace !== null) this.#accounts.get(namespace)?.delete(name);
  }

  ofNamespace(name: string): Labels {
    return this.#namespaces.get(name) ?? noLabels;
  }

  ofServiceAccount(namespace: string, name: string): Labels {
    return this.#accounts.get(namespace)?.get(name) ?? noLabels;
  }

  #accountsOf(namespace: string): Map<string, Labels> {
    const known = this.#accounts.get(namespace) ?? new Map<string, Labels>();
    this.#accounts.set(namespace, known);
    return known;
  }
}

const noLabels: Labels = {};
