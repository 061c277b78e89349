// A path that no change of policies may close, as an operator writes it:
//
//   path => end "->" end ":" protocol "/" port        spaces around "->" and ":"; tcp, udp or sctp
//   end  => "node:" (name | "*")                      a node, every node
//         | namespace "/" (name | "*")                a pod, every pod of a namespace
//         | CIDR                                      who has an address in it, or its first address
//         | selector                                  pods by their labels, as policies write it
import { type Cidr, parseCidr } from "../core/address.ts";
import { messageOf, SluiceError } from "../core/errors.ts";
import { protocolNumber } from "../policy/protocol.ts";
import { parseSelector } from "../policy/selector/parse.ts";
import type { Selector } from "../policy/selector/syntax.ts";

export type PathEnd =
  /** Null: all of them. */
  | { readonly of: "node"; readonly name: string | null }
  | { readonly of: "pod"; readonly namespace: string; readonly name: string | null }
  | { readonly of: "net"; readonly cidr: Cidr }
  | { readonly of: "selector"; readonly selector: Selector };

export interface GuardedPath {
  /** What people call it. */
  readonly name: string;
  readonly from: PathEnd;
  readonly to: PathEnd;
  readonly protocol: number;
  readonly port: number;
}

/** Throws CONFIG_INVALID that says what is wrong with the text. */
export function parseGuardedPath(text: string): GuardedPath {
  const [, from, to, protocol, port] = /^(.+?)\s+->\s+(.+)\s+:\s+([A-Za-z]+)\/(\d{1,5})$/.exec(text.trim()) ?? [];
  if (from === undefined || to === undefined || protocol === undefined)
    throw refused(text, 'write it as "from -> to : tcp/443", with spaces around "->" and ":"');
  const number = /^(tcp|udp|sctp)$/i.test(protocol) ? protocolNumber(protocol.toUpperCase()) : undefined;
  if (number === undefined) throw refused(text, `"${protocol}" is none of tcp, udp, sctp`);
  if (Number(port) < 1 || Number(port) > 65_535) throw refused(text, `port ${port} is none from 1 to 65535`);
  return {
    name: text.trim(),
    from: parseEnd(from, text),
    to: parseEnd(to, text),
    protocol: number,
    port: Number(port),
  };
}

function parseEnd(end: string, text: string): PathEnd {
  const [, node] = /^node:(\*|[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)$/.exec(end) ?? [];
  if (node !== undefined) return { of: "node", name: nameOrAll(node) };
  if (end.startsWith("node:")) throw refused(text, `"${end.slice(5)}" is no name of a node, nor "*" for all`);
  if (/^[0-9a-fA-F:.]+(\/\d+)?$/.test(end) && /[.:]/.test(end)) return { of: "net", cidr: cidrOf(end, text) };
  const [, namespace, pod] =
    /^([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)\/(\*|[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)$/.exec(end) ?? [];
  if (namespace !== undefined && pod !== undefined) return { of: "pod", namespace, name: nameOrAll(pod) };
  try {
    return { of: "selector", selector: parseSelector(end) };
  } catch (cause) {
    const ends = "namespace/pod, namespace/*, node:NAME, node:*, a CIDR or a selector";
    throw refused(text, `"${end}" is none of ${ends} (${messageOf(cause)})`);
  }
}

const nameOrAll = (name: string): string | null => (name === "*" ? null : name);

function cidrOf(end: string, text: string): Cidr {
  try {
    return parseCidr(end);
  } catch (cause) {
    throw refused(text, messageOf(cause));
  }
}

function refused(text: string, why: string): SluiceError {
  return new SluiceError("CONFIG_INVALID", `enforcer.guardedPaths: ${JSON.stringify(text.slice(0, 200))}: ${why}`);
}
