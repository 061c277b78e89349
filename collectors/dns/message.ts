import type { Address } from "../../core/address.ts";
import { Cursor, Cut, malformed } from "./cursor.ts";
import { readName } from "./name.ts";
import { readData } from "./record-data.ts";

// message  => header question{questions} record{answers} …                RFC 1035, 4.1; all numbers big-endian
// header   => id u16   flags u16   questions u16   answers u16   authorities u16   additionals u16
//   flags  => response:1 opcode:4 authoritative:1 truncated:1 recursionDesired:1 recursionAvailable:1 zero:1 ad:1 cd:1 rcode:4
// question => name type u16 class u16
// record   => name type u16 class u16 ttl u32 length u16 data
//
// Authorities and additionals are not read: nothing in them answers what was asked.
const headerBytes = 12;
const flag = { response: 0x8000, truncated: 0x0200, zero: 0x0040 } as const;

/** So many answers are told of a message; a Service with more endpoints is asked for one address, not for all. */
const mostAnswers = 64;

export interface Question {
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export interface Answer {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Seconds. */
  readonly ttl: number;
  readonly text: string;
  readonly address: Address | null;
  /** Where a CNAME leads. */
  readonly target: string | null;
}

export interface Message {
  readonly id: number;
  readonly isResponse: boolean;
  /** The server says that there is more: who asked will ask again by TCP. */
  readonly truncated: boolean;
  readonly rcode: number;
  readonly question: Question;
  readonly answers: readonly Answer[];
  /** As the header says; more than `answers` if the capture was cut off or they were too many. */
  readonly answerCount: number;
}

/**
 * Reads a standard query or the answer to one. `whole`: the bytes are all of the message; else the answers that are there are read. Throws
 * DECODE_FAILED, and nothing else.
 */
export function parseMessage(bytes: Uint8Array, whole: boolean): Message {
  const cursor = new Cursor(bytes);
  const id = cursor.u16();
  const flags = cursor.u16();
  const questions = cursor.u16();
  const answerCount = cursor.u16();
  cursor.take(4);
  const isResponse = (flags & flag.response) !== 0;
  // Other opcodes are notices between servers and updates; nobody asks for a name by them.
  if ((flags >> 11) & 0xf) throw malformed(`opcode ${(flags >> 11) & 0xf}`);
  if (flags & flag.zero) throw malformed("a bit is set that must be zero");
  if (questions !== 1) throw malformed(`${questions} questions`);
  if (!isResponse && answerCount > 0) throw malformed("a query that holds answers");
  const question = { name: readName(cursor), type: cursor.u16(), class: cursor.u16() };
  return {
    id,
    isResponse,
    truncated: (flags & flag.truncated) !== 0,
    rcode: flags & 0xf,
    question,
    answers: isResponse ? readAnswers(cursor, answerCount, whole) : [],
    answerCount,
  };
}

/** Bytes that cannot hold a message with a question. */
export const isTooShort = (bytes: number): boolean => bytes < headerBytes + 5;

function readAnswers(cursor: Cursor, count: number, whole: boolean): readonly Answer[] {
  const answers: Answer[] = [];
  try {
    while (answers.length < Math.min(count, mostAnswers)) answers.push(readAnswer(cursor));
  } catch (thrown) {
    if (whole || !(thrown instanceof Cut)) throw thrown;
  }
  return answers;
}

function readAnswer(cursor: Cursor): Answer {
  const name = readName(cursor);
  const type = cursor.u16();
  const number = cursor.u16();
  const ttl = cursor.u32();
  const length = cursor.u16();
  const start = cursor.take(length);
  const data = readData(cursor.bytes, type, start, start + length);
  // RFC 2181, 8: with the first bit set it is none.
  return { name, type, class: number, ttl: ttl >= 0x8000_0000 ? 0 : ttl, ...data };
}
