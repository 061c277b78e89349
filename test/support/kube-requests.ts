import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { Api, ApiError } from "../../core/kube/api/api.ts";
import { connectionOf } from "../../core/kube/api/connection.ts";
import type { ApiServer } from "../../lab/api-server/api-server.ts";

/** One request, as a table says it. */
export interface Asked {
  readonly method: "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  /** Of a patch; a merge patch if it is not said. */
  readonly type?: "application/merge-patch+json" | "application/json-patch+json" | "application/apply-patch+yaml";
}

/** What became of it: with which words it was refused, or what was warned of. */
export interface Answer {
  readonly outcome: "allowed" | "warned" | "refused";
  readonly says: string;
}

/** Asks without doing it (unless `isDone`): admission sees no difference. */
export async function ask(
  server: ApiServer,
  user: string,
  { method, path, body, type = "application/merge-patch+json" }: Asked,
  isDone = false,
): Promise<Answer> {
  const api = new Api(connectionOf({ kubeconfig: server.kubeconfig("admin") }));
  const query = {
    ...(isDone ? {} : { dryRun: "All" }),
    ...(type === "application/apply-patch+yaml" ? { fieldManager: user, force: "true" } : {}),
  };
  const headers = { authorization: `Bearer ${server.token(user)}` };
  try {
    const options = { query, body, headers, ...(method === "PATCH" ? { type } : {}) };
    const answer = await api.open(method, path, options);
    await text(answer);
    const warning = [answer.headers["warning"] ?? []].flat().join("\n");
    return warning.includes("ValidatingAdmissionPolicy")
      ? { outcome: "warned", says: warning }
      : { outcome: "allowed", says: warning };
  } catch (thrown) {
    if (!(thrown instanceof ApiError) || thrown.status === 0) throw thrown;
    return { outcome: "refused", says: thrown.message };
  }
}

/** Has it done, which must not be refused. */
export async function done(server: ApiServer, asked: Asked, user = "admin"): Promise<void> {
  const { outcome, says } = await ask(server, user, asked, true);
  assert.notEqual(outcome, "refused", says);
}
