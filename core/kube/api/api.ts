import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { messageOf, SluiceError } from "../../errors.ts";
import type { ApiConnection } from "./connection.ts";

/** An answer that is no success, as the API server gives its reason (metav1.Status). */
export class ApiError extends SluiceError {
  /** HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** `NotFound`, `Forbidden`, `Expired`...; "" if none was given. */
  readonly reason: string;

  constructor(message: string, status: number, reason = "", cause?: unknown) {
    super("KUBE_FAILED", message, { cause, retriable: status === 0 || status === 429 || status >= 500 });
    this.status = status;
    this.reason = reason;
  }
}

/** Our own reason, for an answer that cannot be read. */
export const malformed = "Malformed";

/** Whether the server said that there is no such object, or no such kind. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof ApiError && thrown.status === 404;
}

export interface ApiRequest {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** Sent as JSON; text as it is. */
  readonly body?: unknown;
  /** Of the body. */
  readonly type?: BodyType;
  readonly signal?: AbortSignal;
  /** The connection is given up after so long without a byte. */
  readonly idleMs?: number;
  /** User and groups to act as. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type BodyType =
  | "application/json"
  | "application/merge-patch+json"
  | "application/json-patch+json"
  | "application/apply-patch+yaml";

const usualIdleMs = 30_000;

/**
 * Raw requests to an API server: JSON in and out just as the server has it. The typed client is not used for that, since it drops a NetworkPolicy's
 * `from` silently, and has other fields in lists than in watches.
 */
export class Api {
  readonly #connection: ApiConnection;

  constructor(connection: ApiConnection) {
    this.#connection = connection;
  }

  get server(): string {
    return this.#connection.server;
  }

  get(path: string, options: ApiRequest = {}): Promise<unknown> {
    return this.send("GET", path, options);
  }

  /** The object that the server answers with. Throws ApiError. */
  async send(method: string, path: string, options: ApiRequest = {}): Promise<unknown> {
    const answer = await this.open(method, path, options);
    const text = await textOf(answer).catch((cause) => {
      throw new ApiError(`${method} ${path}: ${messageOf(cause)}`, 0, "", cause);
    });
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new ApiError(`${method} ${path}: the answer is no JSON`, 0, malformed, cause);
    }
  }

  /** The answer while it comes in, for watches. Throws ApiError. */
  async open(method: string, path: string, options: ApiRequest = {}): Promise<IncomingMessage> {
    const answer = await this.#ask(method, path, options);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    const { message, reason } = statusOf(await textOf(answer).catch(messageOf));
    throw new ApiError(`${method} ${path}: ${status} ${message}`, status, reason);
  }

  async #ask(method: string, path: string, options: ApiRequest): Promise<IncomingMessage> {
    const { query = {}, body, type = "application/json", signal, idleMs = usualIdleMs, headers } = options;
    // The server's own address may have a path.
    const url = new URL(`${this.server.replace(/\/$/, "")}${path}`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const base = await this.#connection.options().catch((cause) => {
      throw new ApiError(`${method} ${path}: no credentials: ${messageOf(cause)}`, 0, "", cause);
    });
    const given = {
      ...base.headers,
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": type }),
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const failed = (cause: unknown) => reject(new ApiError(`${method} ${path}: ${messageOf(cause)}`, 0, "", cause));
      const asked = request(
        url,
        { ...base, method, headers: given, timeout: idleMs, ...(signal && { signal }) },
        resolve,
      );
      asked.once("timeout", () => asked.destroy(new Error(`nothing came for ${idleMs} ms`)));
      asked.on("error", failed); // a link may fail more than once
      asked.end(body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body));
    });
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

function statusOf(text: string): { readonly message: string; readonly reason: string } {
  try {
    const { message = text, reason = "" } = JSON.parse(text) as { readonly message?: string; readonly reason?: string };
    return { message, reason };
  } catch {
    return { message: text.slice(0, 300), reason: "" };
  }
}
