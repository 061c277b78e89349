/** Texts up to this length are copied letter by letter: most of ours are, and a call of the encoder costs more. */
const shortText = 64;
/** Documents share memory: what is taken out is a part of a piece of this size. */
const chunkBytes = 1_048_576;
const [comma, open, close, newline] = [44, 123, 125, 10];

/**
 * JSON as bytes, written piece by piece. Members of an object end with a comma, which its end takes back. (Put together as texts, most of
 * the time would go into ropes of them that V8 has to make flat.)
 */
export class JsonBytes {
  #bytes = Buffer.allocUnsafe(chunkBytes);
  #begin = 0;
  #at = 0;

  /** Text that is JSON already. */
  put(text: string): void {
    const { length } = text;
    this.#room(3 * length);
    if (length > shortText) {
      this.#at += this.#bytes.write(text, this.#at);
      return;
    }
    const [bytes, start] = [this.#bytes, this.#at];
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127) {
        this.#at = start + bytes.write(text, start);
        return;
      }
      bytes[start + index] = code;
    }
    this.#at = start + length;
  }

  /** `key` is `"name":`. */
  member(key: string, value: string): void {
    this.put(key);
    this.put(value);
    this.#room(1);
    this.#bytes[this.#at++] = comma;
  }

  /** Begins an object, `key` is `"name":{`; gives what `endObject` needs. */
  beginObject(key: string): number {
    const start = this.#at - this.#begin;
    this.put(key);
    return start;
  }

  /** An object without members is taken back. */
  endObject(start: number): void {
    if (this.#bytes[this.#at - 1] === open) {
      this.#at = this.#begin + start;
      return;
    }
    this.#room(1);
    this.#bytes[this.#at - 1] = close;
    this.#bytes[this.#at++] = comma;
  }

  /** Ends the outermost object and its line. */
  endLine(): void {
    this.#room(2);
    const last = this.#at - 1;
    if (this.#bytes[last] === open) this.#bytes[this.#at++] = close;
    else this.#bytes[last] = close;
    this.#bytes[this.#at++] = newline;
  }

  /** What was written since; a copy. */
  since(start: number): Buffer {
    return Buffer.from(this.#bytes.subarray(this.#begin + start, this.#at));
  }

  get length(): number {
    return this.#at - this.#begin;
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** All since the last `take`. Not to be changed: others stand beside it in the same memory. */
  take(): Buffer {
    const taken = this.#bytes.subarray(this.#begin, this.#at);
    this.#begin = this.#at;
    return taken;
  }

  /** What was taken keeps the memory it stands in. */
  #room(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(chunkBytes, 2 * (this.length + more)));
    this.#at = this.#bytes.copy(larger, 0, this.#begin, this.#at);
    this.#begin = 0;
    this.#bytes = larger;
  }
}
