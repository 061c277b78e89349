import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import type { Schema } from "avsc";
import { messageOf, SluiceError } from "./errors.ts";
import type { SchemaNumbers } from "./records/framed-batches.ts";

export interface SchemaRegistryOptions {
  /** Where the API of Confluent's Schema Registry is, e.g. `https://registry:8081`; of Apicurio `http://apicurio:8080/apis/ccompat/v7`. */
  readonly url: string;
  /** Asked for each request, as files may change. */
  readonly access?: () => RegistryAccess;
}

export interface RegistryAccess {
  readonly username?: string;
  readonly password?: string;
  /** PEM. */
  readonly authorities?: string;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const mediaType = "application/vnd.schemaregistry.v1+json";
const patienceMs = 10_000;
/** 404 with one of these means that it is not there; any other 404, that nothing of the API is. */
const unknown = new Set([40401, 40402, 40403]);

/**
 * Schemas under the name of their topic (TopicNameStrategy). One that would keep readers of the latest from reading what was written with
 * this one, or this one's readers from what was written before, is refused as far as the registry's rules say so.
 */
export class SchemaRegistry implements SchemaNumbers {
  readonly #options: SchemaRegistryOptions;
  readonly #numbers = new Map<string, Promise<number>>();
  readonly #schemas = new Map<number, Promise<unknown>>();

  constructor(options: SchemaRegistryOptions) {
    this.#options = options;
  }

  numberOf(topic: string, schema: Schema): Promise<number> {
    const text = JSON.stringify(schema);
    return kept(this.#numbers, `${topic} ${text}`, () => this.#register(`${topic}-value`, text));
  }

  schemaOf(number: number): Promise<unknown> {
    return kept(this.#schemas, number, async () => {
      const { status, body } = await this.#ask("GET", `/schemas/ids/${number}`);
      if (status === 404 && unknown.has(errorCode(body))) return undefined;
      return JSON.parse(String((this.#accepted(status, body) as { readonly schema: string }).schema)) as unknown;
    });
  }

  async #register(subject: string, schema: string): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}`;
    const there = await this.#ask("POST", path, { schema });
    if (there.status === 200) return idOf(there.body);
    await this.#check(subject, schema);
    const { status, body } = await this.#ask("POST", `${path}/versions`, { schema });
    if (status === 409) throw this.#incompatible(subject, body);
    return idOf(this.#accepted(status, body));
  }

  /** Not every registry checks when it registers; the first schema has nothing to be compared with. */
  async #check(subject: string, schema: string): Promise<void> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`;
    const { status, body } = await this.#ask("POST", path, { schema });
    if (status === 404) return;
    const { is_compatible: isCompatible } = this.#accepted(status, body) as { readonly is_compatible?: boolean };
    if (isCompatible === false) throw this.#incompatible(subject, body);
  }

  #accepted(status: number, body: unknown): unknown {
    if (status >= 200 && status < 300) return body;
    const text = (body as { readonly message?: string } | undefined)?.message ?? "";
    if (status === 401 || status === 403)
      throw this.#failed(`it does not let us in (${status}): see schemaRegistry.username and password-file`, false);
    throw this.#failed(`it answers ${status} ${text.slice(0, 200)}`, status >= 500 || status === 429);
  }

  #incompatible(subject: string, body: unknown): SluiceError {
    const { messages, message } = body as { readonly messages?: readonly string[]; readonly message?: string };
    const why = (messages ?? [message ?? ""]).join("; ").slice(0, 500);
    return this.#failed(`our schema does not go with the latest of ${subject}: ${why}`, false);
  }

  #failed(text: string, retriable: boolean, cause?: unknown): SluiceError {
    const details = { retriable, ...(cause === undefined ? {} : { cause }) };
    return new SluiceError("REGISTRY_FAILED", `schema registry ${this.#options.url}: ${text}`, details);
  }

  async #ask(method: "GET" | "POST", path: string, content?: object): Promise<Answer> {
    const { username, password, authorities } = this.#options.access?.() ?? {};
    const url = new URL(`${this.#options.url.replace(/\/$/, "")}${path}`);
    const request = url.protocol === "https:" ? tlsRequest : plainRequest;
    const options = {
      method,
      headers: { accept: mediaType, "content-type": mediaType },
      signal: AbortSignal.timeout(patienceMs),
      ...(username === undefined ? {} : { auth: `${username}:${password ?? ""}` }),
      ...(authorities === undefined ? {} : { ca: authorities }),
    };
    const text = content === undefined ? "" : JSON.stringify(content);
    try {
      return await new Promise<Answer>((resolve, reject) => {
        const asked = request(url, options, (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk));
          answer.on("error", reject);
          answer.on("end", () => {
            resolve({ status: answer.statusCode ?? 0, body: jsonOf(Buffer.concat(chunks).toString()) });
          });
        });
        asked.on("error", reject);
        asked.end(text);
      });
    } catch (cause) {
      throw this.#failed(messageOf(cause), true, cause);
    }
  }
}

/** What failed is asked again the next time. */
function kept<K, V>(known: Map<K, Promise<V>>, key: K, ask: () => Promise<V>): Promise<V> {
  const before = known.get(key);
  if (before !== undefined) return before;
  const asking = ask();
  known.set(key, asking);
  asking.catch(() => known.delete(key));
  return asking;
}

const idOf = (body: unknown): number => (body as { readonly id: number }).id;
const errorCode = (body: unknown): number => (body as { readonly error_code?: number } | undefined)?.error_code ?? 0;

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // an error page of something in between
  }
}
