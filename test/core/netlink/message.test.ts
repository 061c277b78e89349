import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeDone, decodeError } from "../../../core/netlink/answer.ts";
import { Messages, messageFlag } from "../../../core/netlink/message.ts";
import { MessageWriter } from "../../../core/netlink/message-writer.ts";

describe("netlink messages", () => {
  const written = () =>
    Buffer.concat([new MessageWriter(0x100, 1).u8(1, 7).finish(5), new MessageWriter(0x102, 0).finish(6)]);

  it("are read as they were written, one after the other", () => {
    const messages = new Messages(written());
    const seen: unknown[] = [];
    while (messages.next())
      seen.push([messages.type, messages.flags, messages.sequence, messages.end - messages.start]);
    messages.finish();
    assert.deepEqual(seen, [
      [0x100, 1, 5, 8],
      [0x102, 0, 6, 0],
    ]);
  });

  for (const [title, cut] of [
    ["a header cut short", 30],
    ["a payload cut short", 20],
  ] as const)
    it(`with ${title} are an error`, () => {
      const messages = new Messages(written(), 0, cut);
      while (messages.next());
      assert.throws(() => messages.finish(), { code: "DECODE_FAILED" });
    });

  it("of any bytes end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const messages = new Messages(bytes);
        while (messages.next()) assert.ok(messages.start <= messages.end && messages.end <= bytes.length);
      }),
    );
  });

  it("grow with what is written", () => {
    const value = new Uint8Array(10_000).fill(3);
    const message = new MessageWriter(1, 0).nested(1, (inner) => inner.value(2, value)).finish(1);
    assert.equal(message.length, 16 + 4 + 4 + 10_000);
    assert.equal(Buffer.from(message).readUInt32LE(0), message.length);
  });
});

describe("the kernel's answer", () => {
  // NLMSG_ERROR payloads.
  const error = (errno: number, rest: string) => {
    const head = Buffer.alloc(20);
    head.writeInt32LE(-errno, 0);
    head.writeUInt32LE(16, 4);
    return Buffer.concat([head, Buffer.from(rest, "hex")]);
  };

  it("is a success if the error is 0", () => {
    const bytes = error(0, "");
    const answer = decodeError(bytes, { flags: messageFlag.capped, sequence: 9, start: 0, end: bytes.length });
    assert.deepEqual(answer, { sequence: 9, errno: 0, message: "", offset: null });
  });

  it("carries the kernel's words and the place of the fault", () => {
    const words = new MessageWriter(0, 0).text(1, "no such group").u32(2, 28).finish(0).subarray(16);
    const bytes = Buffer.concat([error(22, ""), words]);
    const flags = messageFlag.capped | messageFlag.extended;
    const answer = decodeError(bytes, { flags, sequence: 1, start: 0, end: bytes.length });
    assert.deepEqual(answer, { sequence: 1, errno: 22, message: "no such group", offset: 28 });
  });

  it("at the end of a dump may be an error too", () => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(-1);
    assert.equal(decodeDone(bytes, { flags: 0, sequence: 1, start: 0, end: 4 }).errno, 1);
  });

  it("to a request of two gigabytes is DECODE_FAILED", () => {
    const bytes = error(22, "00000000");
    bytes.writeUInt32LE(0x8000_0000, 4);
    const framed = { flags: messageFlag.extended, sequence: 1, start: 0, end: bytes.length };
    assert.throws(() => decodeError(bytes, framed), { code: "DECODE_FAILED" });
  });

  it("cut short is DECODE_FAILED", () => {
    const framed = { flags: 0, sequence: 1, start: 0, end: 8 };
    assert.throws(() => decodeError(Buffer.alloc(8), framed), { code: "DECODE_FAILED" });
  });
});
