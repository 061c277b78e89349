import type { Answer, Call, Elastic } from "../../../sinks/elasticsearch/elastic.ts";

interface Place {
  readonly _index: string;
  readonly _id: string;
}

/** The bulk API in memory: keeps what is created, knows what is there, and refuses what has `"source":{"ip":"bad"}`. */
export class MemoryElastic implements Elastic {
  readonly documents = new Map<string, string>();
  /** Sizes of the requests that came. */
  readonly requests: number[] = [];
  /** Taken before a request is looked at. */
  before: (documents: number) => Promise<Answer<never> | undefined> = () => Promise.resolve(undefined);
  /** Taken of each document. */
  refuse: (id: string) => number | undefined = () => undefined;
  /** Taken when all is stored: an answer may be lost all the same. */
  after: () => Promise<void> = () => Promise.resolve();

  async ask<T>({ path, lines = Buffer.alloc(0) }: Call): Promise<Answer<T>> {
    if (path !== "/_bulk") throw new Error(`no ${path} here`);
    const texts = String(lines).split("\n");
    if (texts.pop() !== "") throw new Error("the last line has no end");
    const count = texts.length / 2;
    this.requests.push(count);
    const other = await this.before(count);
    if (other !== undefined) return other;
    const items = Array.from({ length: count }, (_, at) => this.#create(texts[2 * at] ?? "", texts[2 * at + 1] ?? ""));
    await this.after();
    return { status: 200, body: { errors: items.some(({ create }) => create.status >= 300), items } as T };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #create(action: string, source: string) {
    const { _index, _id } = (JSON.parse(action) as { readonly create: Place }).create;
    const document = JSON.parse(source) as { readonly source?: { readonly ip?: string } };
    const [key, refused] = [`${_index}/${_id}`, this.refuse(_id)];
    const no = (status: number, type: string) => ({ create: { status, error: { type, reason: `no ${_id}` } } });
    if (refused !== undefined) return no(refused, "es_rejected_execution_exception");
    if (document.source?.ip === "bad") return no(400, "document_parsing_exception");
    if (this.documents.has(key)) return no(409, "version_conflict_engine_exception");
    this.documents.set(key, source);
    return { create: { status: 201 } };
  }
}

/** The two lines of a document. */
export function lines(index: string, id: string, document: object = {}): Buffer {
  return Buffer.from(`${JSON.stringify({ create: { _index: index, _id: id } })}\n${JSON.stringify(document)}\n`);
}
