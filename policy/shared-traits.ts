import { Alike } from "../core/alike.ts";
import type { Pod } from "./kinds/cluster.ts";
import type { NamedPort } from "./placement.ts";
import type { Labels } from "./selector/syntax.ts";

/**
 * Gives pods what they have in common with others as the very same objects. As a rule those of a workload have the same labels and
 * ports: 50,000 pods take a third of the memory, and what follows from labels is worked out once for all who have them.
 */
export class SharedTraits {
  readonly #texts = new Alike<string>();
  readonly #labels = new Alike<Labels>();
  readonly #ports = new Alike<readonly NamedPort[]>();

  of(pod: Pod): Pod {
    const namespace = this.#text(pod.namespace);
    const serviceAccount = this.#text(pod.serviceAccount);
    return {
      namespace,
      name: pod.name,
      labels: this.#labels.of(labelsText(pod), pod.labels),
      serviceAccount,
      node: pod.node === null ? null : this.#text(pod.node),
      hostNetwork: pod.hostNetwork,
      addresses: pod.addresses,
      ports: this.#ports.of(portsText(pod.ports), pod.ports),
      createdAt: pod.createdAt,
      ending: pod.ending,
    };
  }

  #text(text: string): string {
    return this.#texts.of(text, text);
  }
}

/** With all that decides which labels it inherits. */
function labelsText({ namespace, serviceAccount, labels }: Pod): string {
  let text = pairText(namespace, serviceAccount);
  for (const key of Object.keys(labels)) text += pairText(key, labels[key] as string);
  return text;
}

/** With their lengths, as nothing says what is not in them. */
function pairText(a: string, b: string): string {
  return `${a.length},${b.length},${a}${b}`;
}

function portsText(ports: readonly NamedPort[]): string {
  let text = "";
  for (const { name, protocol, port } of ports) text += `${protocol},${port},${name.length},${name}`;
  return text;
}
