import { Api } from "../../core/kube/api/api.ts";
import { type ConnectionChoice, connectionOf } from "../../core/kube/api/connection.ts";
import { readObjects } from "../../core/kube/api/read.ts";
import type { Validate } from "../../core/kube/examine.ts";
import type { Manifests } from "../../core/kube/read-folder.ts";
import { resources } from "./resources.ts";

/** Reads the objects of an API server once. Throws KUBE_FAILED. */
export async function readCluster(choice: ConnectionChoice, validate: Validate): Promise<Manifests> {
  const api = new Api(connectionOf(choice));
  const { signal } = new AbortController();
  return { ...(await readObjects({ api, resources, validate, signal })), places: new Map() };
}
