import { type Command, Option } from "commander";
import type { Clock } from "../core/clock.ts";
import { SluiceError } from "../core/errors.ts";
import type { Filter } from "../core/filter/filter.ts";
import { NamespaceAccess } from "../core/flow-access/namespace-access.ts";
import { type ReadableNow, readableStore } from "../core/flow-access/readable-store.ts";
import type { FlowStore } from "../core/flow-store.ts";
import { accessOf, type MayAccess, subjectOf } from "../core/kube/api/access.ts";
import { type Api, ApiError } from "../core/kube/api/api.ts";
import { listAll } from "../core/kube/api/listing.ts";
import { choiceOption } from "./choice.ts";
import { addKubeOptions, type KubeOptions, openApi } from "./kube-option.ts";

/** Of commands that show things as somebody may see them. */
export interface AccessOptions extends KubeOptions {
  readonly as?: string;
  readonly asGroup: readonly string[];
  readonly access: "all" | "cluster";
}

export function addAccessOptions(command: Command): Command {
  const group = (name: string, names: readonly string[]) => [...names, name];
  command
    .addOption(
      choiceOption("--access <scope>", "all there is, or what the user of the kubeconfig may read in the cluster", [
        "all",
        "cluster",
      ]).default("all"),
    )
    .option("--as <user>", "what this user may read there")
    .addOption(
      new Option("--as-group <name>", "a group of that user; may be given again").argParser(group).default([]),
    );
  return addKubeOptions(command);
}

/** As whom the API server is asked; undefined: nobody need be. */
export function accessOfOptions({ as, asGroup, access, ...kube }: AccessOptions): MayAccess | undefined {
  if (as === undefined && asGroup.length > 0) throw new SluiceError("USAGE", "--as-group goes with --as");
  if (as === undefined && access === "all") return undefined;
  return accessOf(openApi(kube), as === undefined ? "self" : subjectOf(as, asGroup));
}

/** What the user may read whom the options name; undefined: everything. */
export function readableOf(
  options: AccessOptions,
  clock: Clock,
  named: readonly string[] = [],
): ReadableNow | undefined {
  const may = accessOfOptions(options);
  if (may === undefined) return undefined;
  const { as } = options;
  const api = openApi(options);
  const known = new NamespaceAccess({ may, clock, namespaces: () => namespacesOf(api, named) });
  return async () => {
    const readable = await known.readable();
    if (readable === "all" || readable.size > 0) return readable;
    const who = as === undefined ? "the user of the kubeconfig" : `user "${as}"`;
    throw new SluiceError("ACCESS_DENIED", `${who} may read the flows of no namespace: ${takes}`);
  };
}

const takes = "it takes get on flows.controls.sluice.dev there";

/** A store as the options say that somebody sees it. */
export function seenStore(store: FlowStore, options: AccessOptions, filter: Filter | null, clock: Clock): FlowStore {
  const readable = readableOf(options, clock, namespacesNamed(filter));
  return readable === undefined ? store : readableStore(store, readable);
}

const namespaces = {
  ...{ apiVersion: "v1", kind: "Namespace", plural: "namespaces", isRequired: true },
  fields: { metadata: { name: true } },
} as const;

/** All there are; who may not list them must name those that are meant. */
async function namespacesOf(api: Api, named: readonly string[]): Promise<readonly string[]> {
  try {
    const { items } = await listAll(api, namespaces, new AbortController().signal);
    return (items as readonly { readonly metadata: { readonly name: string } }[]).map(({ metadata }) => metadata.name);
  } catch (thrown) {
    const isRefused = thrown instanceof ApiError && thrown.status === 403;
    if (isRefused && named.length > 0) return named;
    if (!isRefused) throw thrown;
    throw new SluiceError("ACCESS_DENIED", "you may not list namespaces: name those that are meant, by --namespace", {
      cause: thrown,
    });
  }
}

/** Those that a filter names. */
function namespacesNamed(filter: Filter | null): readonly string[] {
  if (filter === null) return [];
  switch (filter.op) {
    case "test":
      return ["ns", "src.ns", "dst.ns"].includes(filter.field) && filter.comparator === "="
        ? filter.values.map(String)
        : [];
    case "not":
      return namespacesNamed(filter.term);
    case "and":
    case "or":
      return filter.terms.flatMap(namespacesNamed);
  }
}
