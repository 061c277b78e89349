import type { Client } from "@elastic/elasticsearch";
import { messageOf, SluiceError } from "../../core/errors.ts";
import { pinnedAuthority } from "./pinned-authority.ts";

/** A request to Elasticsearch. */
export interface Call {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: object;
  /** Lines of JSON in the place of a body. */
  readonly lines?: Buffer;
  readonly timeoutMs?: number;
}

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

/** Elasticsearch, as far as we use it. Nothing is tried again here. */
export interface Elastic {
  /** Any answer, also one of refusal. Throws ELASTICSEARCH_FAILED, retriable, where none came; and when the signal aborts. */
  ask<T>(call: Call, signal?: AbortSignal): Promise<Answer<T>>;
  close(): Promise<void>;
}

export interface ElasticConnection {
  /** `https://es-0:9200`, …; or `cloudId`. */
  readonly urls: readonly string[];
  readonly cloudId?: string;
  readonly apiKey?: string;
  readonly basic?: { readonly username: string; readonly password: string };
  /** PEM texts. */
  readonly authorities?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** SHA-256 of the certificate of who signed theirs, in hexadecimal digits with or without colons. */
  readonly fingerprint?: string;
}

/** How long an answer may take: beyond it, nobody knows what became of the request. */
const answerMs = 60_000;

/** Throws CONFIG_INVALID; ELASTICSEARCH_FAILED if a fingerprint is given and the server cannot be asked for its certificate. */
export async function connectElastic(connection: ElasticConnection): Promise<Elastic> {
  const { Client, errors } = await import("@elastic/elasticsearch"); // 0.2 s and 40 MB, for those who need it
  const options = await optionsOf(connection);
  const client = made(() => new Client(options));
  return {
    async ask<T>({ method, path, query, body, lines, timeoutMs = answerMs }: Call, signal?: AbortSignal) {
      const request = {
        method,
        path,
        ...(query === undefined ? {} : { querystring: { ...query } }),
        ...(body === undefined ? {} : { body: body as Record<string, unknown> }),
        ...(lines === undefined ? {} : { bulkBody: lines }),
      };
      const options = { meta: true as const, maxRetries: 0, requestTimeout: timeoutMs, ...(signal && { signal }) };
      try {
        const { statusCode, body: answer } = await client.transport.request<T>(request, options);
        return { status: statusCode ?? 0, body: answer };
      } catch (cause) {
        if (cause instanceof errors.ResponseError) return { status: cause.statusCode ?? 0, body: cause.body as T };
        throw away(cause);
      }
    },
    close: () => client.close(),
  };
}

async function optionsOf(connection: ElasticConnection): Promise<ConstructorParameters<typeof Client>[0]> {
  const { urls, cloudId, apiKey, basic, certificate, key, fingerprint } = connection;
  const pinned = fingerprint === undefined ? undefined : pinnedAuthority(urls[0] ?? "", fingerprint);
  const authorities = connection.authorities ?? (await pinned);
  const tls = {
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
  };
  return {
    ...(cloudId === undefined ? { nodes: [...urls] } : { cloud: { id: cloudId } }),
    ...(apiKey !== undefined ? { auth: { apiKey } } : basic === undefined ? {} : { auth: basic }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
    maxRetries: 0,
    requestTimeout: answerMs,
  };
}

function made<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new SluiceError("CONFIG_INVALID", `elasticsearch: ${messageOf(cause)}`, { cause });
  }
}

/** The library's error holds the request, and its headers what nobody should read: only its words go on. */
function away(cause: unknown): SluiceError {
  const { name } = cause as Error;
  const text = name === "ProductNotSupportedError" ? "it is no Elasticsearch" : messageOf(cause);
  return new SluiceError("ELASTICSEARCH_FAILED", `Elasticsearch did not answer: ${text}`, { retriable: true });
}

/** `type: reason` of an answer that refuses. */
export function reasonOf({ status, body }: Answer<unknown>): string {
  const error = (body as { readonly error?: unknown } | null)?.error;
  if (typeof error === "string") return `${status} ${error}`;
  const { type = "", reason = "" } = (error ?? {}) as { readonly type?: string; readonly reason?: string };
  return `${status} ${type}: ${reason}`;
}

/** The body of an answer that did not refuse. Throws ELASTICSEARCH_FAILED otherwise, retriable if it is overburdened or not there yet. */
export function granted<T>(answer: Answer<T>, what: string): T {
  if (answer.status < 300) return answer.body;
  const retriable = answer.status === 429 || answer.status >= 500;
  throw new SluiceError("ELASTICSEARCH_FAILED", `${what}: Elasticsearch refuses: ${reasonOf(answer)}`, { retriable });
}
