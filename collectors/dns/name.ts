import { type Cursor, malformed } from "./cursor.ts";

// name    => label* (0 | pointer)                           RFC 1035, 3.1 and 4.1.4
// label   => length u8, of which the upper two bits are 00; so many bytes
// pointer => u16 of which the upper two bits are 11; the rest is where in the message the name goes on
const pointerBits = 0xc0;
/** RFC 1035, 2.3.4: octets of a name, its lengths and the last zero among them. */
const maxNameBytes = 255;
/** One for a name is what servers write; a chain of them that says nothing would cost time. */
const maxPointers = 16;

const characters = Array.from({ length: 256 }, (_, byte) => characterOf(byte));

/**
 * The name at the cursor, in lower case and without the last dot; the root is `.`. What is no visible ASCII is written as `\123`, and dots
 * and backslashes within a label with a backslash (RFC 1035, 5.1), so that equal texts are equal names. A pointer must lead to before
 * the part of the name that it ends: so none is followed twice.
 */
export function readName(cursor: Cursor): string {
  const { bytes } = cursor;
  let part = cursor.at;
  let after: number | undefined;
  let length = 1;
  let pointers = 0;
  let text = "";
  for (let size = cursor.u8(); size !== 0; size = cursor.u8()) {
    if ((size & pointerBits) === pointerBits) {
      const target = ((size & ~pointerBits) << 8) | cursor.u8();
      if (target >= part) throw malformed(`a pointer at ${cursor.at - 2} that leads to ${target}`);
      if (++pointers > maxPointers) throw malformed(`a name of more than ${maxPointers} pointers`);
      after ??= cursor.at;
      part = cursor.at = target;
      continue;
    }
    if ((size & pointerBits) !== 0) throw malformed(`a label of the unknown kind ${size >> 6}`);
    length += size + 1;
    if (length > maxNameBytes) throw malformed(`a name of more than ${maxNameBytes} bytes`);
    const at = cursor.take(size);
    if (text !== "") text += ".";
    for (let i = at; i < at + size; i++) text += characters[bytes[i] as number] as string;
  }
  if (after !== undefined) cursor.at = after;
  return text === "" ? "." : text;
}

function characterOf(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === "." || character === "\\") return `\\${character}`;
  if (byte > 0x20 && byte < 0x7f) return character.toLowerCase();
  return `\\${String(byte).padStart(3, "0")}`;
}
