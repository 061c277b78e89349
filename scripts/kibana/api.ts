/** Where a Kibana is, and as whom it is asked. */
export class Kibana {
  readonly #url: string;
  readonly #space: string;
  readonly #authorization: string | undefined;

  constructor(url: string, space: string, authorization: string | undefined) {
    this.#url = url.replace(/\/$/, "");
    this.#space = space;
    this.#authorization = authorization;
  }

  static of(env: NodeJS.ProcessEnv): Kibana {
    const {
      KIBANA_URL = "http://127.0.0.1:5601",
      KIBANA_SPACE = "",
      KIBANA_API_KEY,
      KIBANA_USER,
      KIBANA_PASSWORD = "",
    } = env;
    const basic =
      KIBANA_USER === undefined
        ? undefined
        : `Basic ${Buffer.from(`${KIBANA_USER}:${KIBANA_PASSWORD}`).toString("base64")}`;
    return new Kibana(KIBANA_URL, KIBANA_SPACE, KIBANA_API_KEY === undefined ? basic : `ApiKey ${KIBANA_API_KEY}`);
  }

  /** The answer and its status; throws where there is none. `path` begins with /api. */
  async ask(method: string, path: string, body: string | FormData, { isOfSpace = true } = {}): Promise<Answer> {
    const space = isOfSpace && this.#space !== "" ? `/s/${encodeURIComponent(this.#space)}` : "";
    const headers: Record<string, string> = { "kbn-xsrf": "true" };
    if (this.#authorization !== undefined) headers["authorization"] = this.#authorization;
    if (typeof body === "string") headers["content-type"] = "application/json";
    let answer: Response;
    try {
      const signal = AbortSignal.timeout(60_000);
      answer = await fetch(`${this.#url}${space}${path}`, { method, headers, body, signal });
    } catch (cause) {
      const why = cause instanceof Error ? String(cause.cause ?? cause.message) : String(cause);
      throw new Error(`no Kibana answers at ${this.#url}: ${why}`, { cause });
    }
    return { status: answer.status, text: await answer.text() };
  }
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

interface Imported {
  readonly success?: boolean;
  readonly successCount?: number;
  readonly errors?: readonly object[];
}

/** Imports saved objects. The status is 200 also where objects were refused, so the answer has to say that all are there. */
export async function importObjects(kibana: Kibana, ndjson: string): Promise<string> {
  const form = new FormData();
  form.append("file", new Blob([ndjson], { type: "application/ndjson" }), "sluice.ndjson");
  const { status, text } = await kibana.ask("POST", "/api/saved_objects/_import?overwrite=true", form);
  if (status !== 200) throw new Error(`Kibana refuses the import (${status}): ${text.slice(0, 1000)}`);
  const { success, successCount, errors = [] } = JSON.parse(text) as Imported;
  const wanted = ndjson.trimEnd().split("\n").length;
  if (success !== true || successCount !== wanted)
    throw new Error(
      `Kibana took ${successCount ?? 0} of ${wanted} objects: ${errors.map((error) => JSON.stringify(error)).join("; ")}`,
    );
  return `${successCount} saved objects are there`;
}

/** Makes the rules that are not there; those that are may have been changed by a person. */
export async function putRules(kibana: Kibana, rules: string): Promise<string> {
  const all = Object.entries(JSON.parse(rules) as Readonly<Record<string, object>>);
  let made = 0;
  for (const [id, rule] of all) {
    const { status, text } = await kibana.ask("POST", `/api/alerting/rule/${id}`, JSON.stringify(rule));
    if (status !== 200 && status !== 409) throw new Error(`rule ${id} is refused (${status}): ${text.slice(0, 1000)}`);
    if (status === 200) made++;
  }
  return `${made} of ${all.length} rules made, the others were there`;
}

export async function putRoles(kibana: Kibana, space: string, roles: string): Promise<string> {
  const made = await kibana.ask("POST", "/api/spaces/space", space, { isOfSpace: false });
  if (made.status !== 200 && made.status !== 409)
    throw new Error(`the space is refused (${made.status}): ${made.text.slice(0, 1000)}`);
  const all = Object.entries(JSON.parse(roles) as Readonly<Record<string, object>>);
  for (const [name, role] of all) {
    const { status, text } = await kibana.ask("PUT", `/api/security/role/${name}`, JSON.stringify(role), {
      isOfSpace: false,
    });
    if (status !== 204) throw new Error(`role ${name} is refused (${status}): ${text.slice(0, 1000)}`);
  }
  return `the space and ${all.length} roles are there`;
}
