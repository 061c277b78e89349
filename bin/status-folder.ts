import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../core/atomic-file.ts";
import { messageOf, SluiceError } from "../core/errors.ts";
import { emptyHistory, type HitHistory } from "./hit-history.ts";
import type { NodeStatus } from "./node-status.ts";

// <data>/status/NODE.json        how the node stands
// <data>/status/NODE.hits.json   how often its rules were met

const statusEnd = ".json";
const hitsEnd = ".hits.json";

const folderOf = (data: string) => join(data, "status");

function pathOf(data: string, node: string, end: string): string {
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(node))
    throw new SluiceError("USAGE", `"${node.slice(0, 60)}" is no name of a node`);
  return join(folderOf(data), `${node}${end}`);
}

export function writeStatus(data: string, status: NodeStatus): Promise<void> {
  return replaceFile(pathOf(data, status.node, statusEnd), `${JSON.stringify(status, null, 2)}\n`);
}

export function writeHits(data: string, hits: HitHistory): Promise<void> {
  return replaceFile(pathOf(data, hits.node, hitsEnd), `${JSON.stringify(hits)}\n`);
}

/** Of all nodes that ever wrote here, by name. */
export async function readStatuses(data: string): Promise<readonly NodeStatus[]> {
  const names = await namesIn(data);
  return Promise.all(
    names
      .filter((name) => !name.endsWith(hitsEnd))
      .map((name) => readAs<NodeStatus>(join(folderOf(data), name), "node-status")),
  );
}

export async function readAllHits(data: string): Promise<readonly HitHistory[]> {
  const names = await namesIn(data);
  return Promise.all(
    names
      .filter((name) => name.endsWith(hitsEnd))
      .map((name) => readAs<HitHistory>(join(folderOf(data), name), "rule-hits")),
  );
}

/** What a node counted so far; empty where nothing is there, or nothing that can be read. */
export async function readHits(data: string, node: string): Promise<HitHistory> {
  const path = pathOf(data, node, hitsEnd);
  return readAs<HitHistory>(path, "rule-hits").catch(() => emptyHistory(node));
}

async function namesIn(data: string): Promise<readonly string[]> {
  const names = await readdir(folderOf(data)).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === "ENOENT") return [];
    throw new SluiceError("STORE_FAILED", `the status of nodes cannot be read: ${thrown.message}`, { cause: thrown });
  });
  return names.filter((name) => name.endsWith(statusEnd)).sort();
}

async function readAs<T extends { readonly type: string }>(path: string, type: T["type"]): Promise<T> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new SluiceError("STORE_FAILED", `${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (typeof value === "object" && value !== null && (value as { type?: unknown }).type === type) return value as T;
  throw new SluiceError("STORE_FAILED", `${path} holds something else than ${type}; delete it`);
}
