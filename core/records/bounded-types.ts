import avro, { type Schema, type Type } from "avsc";

// avsc believes the item count of an array or map before it looks for the items: five bad bytes make it allocate
// gigabytes. These believe no count that the bytes left could not hold.
// blocks => block* 0     block => count item{count} | -count bytes item{count}     (Avro specification 1.12, "Arrays")

/** avsc's cursor, as far as it is used here. */
interface Tap {
  readonly buf: Uint8Array;
  pos: number;
  readLong(): number;
  readString(): string;
}

interface Readable {
  _read(tap: Tap): unknown;
}

class BoundedArray extends avro.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const values: unknown[] = [];
    const items = this.itemsType as unknown as Readable;
    for (let count = blockCount(tap); count > 0; count = blockCount(tap))
      for (let i = 0; i < count; i++) values.push(items._read(tap));
    return values;
  }
}

class BoundedMap extends avro.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    const values = this.valuesType as unknown as Readable;
    for (let count = blockCount(tap); count > 0; count = blockCount(tap))
      for (let i = 0; i < count; i++) entries.push([tap.readString(), values._read(tap)]);
    return Object.fromEntries(entries);
  }
}

/** Items of the next block; 0 at the end. An item has at least a byte: no schema of ours has arrays of null. */
function blockCount(tap: Tap): number {
  const count = tap.readLong();
  if (count < 0) tap.readLong(); // bytes of the block, for those who skip it
  if (Math.abs(count) > tap.buf.length - tap.pos) throw new Error("truncated buffer");
  return Math.abs(count);
}

/** For avsc's option `typeHook`. */
export function boundedType(schema: Schema, options: object): Type | undefined {
  if (typeof schema !== "object" || Array.isArray(schema) || !("type" in schema)) return undefined;
  if (schema.type === "array") return new BoundedArray(schema, options);
  return schema.type === "map" ? new BoundedMap(schema, options) : undefined;
}
