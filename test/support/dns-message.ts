// DNS messages as bytes, for tests: what collectors/dns reads. Names are compressed as servers do.

export interface TestRecord {
  readonly name: string;
  readonly type: number;
  readonly class?: number;
  readonly ttl?: number;
  /** Bytes, or a name where the type has one. */
  readonly data: Uint8Array | string;
}

export interface TestMessage {
  readonly id?: number;
  readonly flags?: number;
  readonly question?: { readonly name: string; readonly type: number; readonly class?: number };
  readonly answers?: readonly TestRecord[];
}

export const responseFlags = 0x8180;
export const queryFlags = 0x0100;

export function encodeMessage({ id = 1, flags = queryFlags, question, answers = [] }: TestMessage): Buffer {
  const out = new Writer();
  for (const word of [id, flags, question === undefined ? 0 : 1, answers.length, 0, 0]) out.u16(word);
  if (question !== undefined) {
    out.name(question.name);
    out.u16(question.type);
    out.u16(question.class ?? 1);
  }
  for (const answer of answers) out.record(answer);
  return out.bytes;
}

/** `1.2.3.4` as the data of an A record. */
export const fourBytes = (text: string): Uint8Array => Uint8Array.from(text.split(".").map(Number));

class Writer {
  bytes: Buffer = Buffer.alloc(0);
  readonly #known = new Map<string, number>();

  u16(value: number): void {
    this.#append(Buffer.from([value >> 8, value & 255]));
  }

  name(text: string): void {
    const labels = text === "." ? [] : text.split(".");
    for (let at = 0; at < labels.length; at++) {
      const rest = labels.slice(at).join(".");
      const known = this.#known.get(rest);
      if (known !== undefined) {
        this.u16(0xc000 | known);
        return;
      }
      if (this.bytes.length < 0x4000) this.#known.set(rest, this.bytes.length);
      const label = Buffer.from(labels[at] as string, "latin1");
      this.#append(Buffer.from([label.length]), label);
    }
    this.#append(Buffer.from([0]));
  }

  record({ name, type, class: number = 1, ttl = 60, data }: TestRecord): void {
    this.name(name);
    this.u16(type);
    this.u16(number);
    this.u16(ttl >>> 16);
    this.u16(ttl & 0xffff);
    const lengthAt = this.bytes.length;
    this.u16(0);
    if (typeof data === "string") this.name(data);
    else this.#append(Buffer.from(data));
    this.bytes.writeUInt16BE(this.bytes.length - lengthAt - 2, lengthAt);
  }

  #append(...parts: readonly Buffer[]): void {
    this.bytes = Buffer.concat([this.bytes, ...parts]);
  }
}
