import assert from "node:assert/strict";
import { Messages } from "../../../core/netlink/message.ts";
import { MessageWriter } from "../../../core/netlink/message-writer.ts";
import { netfilterHeader } from "../../../core/netlink/netfilter.ts";
import type { News } from "../../../enforcer/tamper/news.ts";
import { Transactions } from "../../../enforcer/tamper/transactions.ts";
import { added, deleted } from "../../core/netlink/captured-nft.ts";

type Captured = readonly (readonly [type: number, payload: string])[];

const [ourPort, otherPort, kernelPort] = [10, 20, 0];

/** As they lie in a datagram. */
function datagram(captured: Captured, port: number): Buffer {
  return Buffer.concat(
    captured.map(([type, hex]) => {
      const message = Buffer.from(new MessageWriter(type, 0).raw(Buffer.from(hex, "hex")).finish(1));
      message.writeUInt32LE(port, 12);
      return message;
    }),
  );
}

describe("enforcer/tamper/transactions", () => {
  let now = 0;
  let looked: string[] = [];
  let transactions: Transactions;
  const read = (...parts: readonly Buffer[]): readonly News[] => {
    const news: News[] = [];
    for (const bytes of parts) {
      const messages = new Messages(bytes);
      while (messages.next()) {
        const made = transactions.take(bytes, messages);
        if (made !== undefined) news.push(made);
      }
      // The buffer is used again.
      bytes.fill(0xff);
    }
    return news;
  };
  const foreign = (news: News | undefined) => (news?.kind === "foreign" ? news : assert.fail(JSON.stringify(news)));
  beforeEach(() => {
    now = 1_000;
    looked = [];
    transactions = new Transactions({
      isOurs: (_pid, port) => port === ourPort,
      localPid: (pid) => pid,
      glimpseOf: (pid) => {
        looked.push(`glimpse ${pid}`);
        return { commandLine: "nft", status: undefined };
      },
      culpritOf: ({ pid, program }) => {
        looked.push(`look ${pid}`);
        const unknown = { uid: null, user: null, login: null, container: null, ancestors: [] };
        return { pid, program, commandLine: "nft", ...unknown };
      },
      now: () => now,
    });
  });

  it("tells a transaction when it is whole, however the messages come", () => {
    assert.deepEqual(read(datagram(added.slice(0, 3), otherPort)), []);
    const news = foreign(read(datagram(added.slice(3), otherPort))[0]);
    assert.equal(news.events.length, added.length - 1);
    assert.deepEqual([news.culprit.pid, news.omitted, news.touchesOthers], [2073, 0, false]);
  });

  it("looks at whoever it was, once", () => {
    read(datagram(added, otherPort));
    assert.deepEqual(looked, ["glimpse 2073", "look 2073"]);
  });

  it("of our own, tells what came and went, elements apart, and looks at nobody", () => {
    const [news] = read(datagram(added, ourPort));
    assert.ok(news?.kind === "own");
    assert.deepEqual(
      news.events.map(({ what }) => what),
      ["table", "chain", "object"],
    );
    assert.deepEqual(looked, ["glimpse 2073"]);
  });

  it("of our own elements, tells nothing", () =>
    assert.deepEqual(read(datagram([...added.slice(2, 6), ...added.slice(-1)], ourPort)), []));

  it("tells two transactions apart", () => {
    const news = read(datagram(added, ourPort), datagram(deleted, otherPort));
    assert.deepEqual(
      news.map(({ kind }) => kind),
      ["own", "foreign"],
    );
    assert.equal(foreign(news[1]).events.length, 1);
  });

  it("leaves out what the kernel tells by itself in between", () => {
    const quota = datagram([[2578, added[6]?.[1] ?? ""]], kernelPort);
    const news = read(datagram(added.slice(0, 2), otherPort), quota, datagram(added.slice(2), otherPort));
    assert.equal(foreign(news[0]).events.filter(({ what }) => what === "object").length, 1);
  });

  it("tells that others' tables were touched, and not which of their rules", () => {
    const rule = new MessageWriter(0, 0).raw(netfilterHeader(2)).text(1, "nat").text(2, "c").u64be(3, 4n).finish(0);
    const hex = Buffer.from(rule.subarray(16)).toString("hex");
    const news = foreign(read(datagram([[2566, hex], ...added.slice(-1)], otherPort))[0]);
    assert.deepEqual([news.events, news.touchesOthers], [[], true]);
  });

  it("counts elements beyond those", () => {
    const many = Array.from({ length: 2_500 }, () => added[2] ?? assert.fail());
    const news = foreign(read(datagram([...many, ...added.slice(-1)], otherPort))[0]);
    assert.deepEqual([news.events.length, news.omitted], [2_000, 500]);
    const [gone] = read(datagram([...many, ...deleted], otherPort));
    assert.deepEqual([foreign(gone).events.length, foreign(gone).omitted], [1, 0]);
  });

  it("tells only of the table where all of it is deleted", () =>
    assert.deepEqual(
      foreign(read(datagram(deleted, otherPort))[0]).events.map(({ what }) => what),
      ["table"],
    ));

  it("bounds what it tells of one transaction", () => {
    const rule = new MessageWriter(0, 0).raw(netfilterHeader(1)).text(1, "sluice").text(2, "c").u64be(3, 4n).finish(0);
    const hex = Buffer.from(rule.subarray(16)).toString("hex");
    const many = Array.from({ length: 2_500 }, () => [2568, hex] as const);
    const news = foreign(read(datagram([...many, ...added.slice(-1)], otherPort))[0]);
    assert.deepEqual([news.events.length, news.omitted], [2_000, 500]);
  });

  it("says since when nothing had happened", () => {
    transactions.quiet(900);
    now = 1_005;
    const news = foreign(read(datagram(added, otherPort))[0]);
    assert.deepEqual([news.after, news.at], [900, 1_005]);
  });

  it("forgets what was begun when events are lost", () => {
    read(datagram(deleted.slice(0, 3), otherPort));
    assert.deepEqual(transactions.lost("overrun"), {
      kind: "lost",
      at: 1_000,
      after: 1_000,
      reason: "overrun",
      isRare: false,
    });
    assert.equal(foreign(read(datagram(added.slice(-1), otherPort))[0]).events.length, 0);
  });

  it("takes what it cannot read for lost", () => {
    const [news] = read(datagram([[2566, "01000000ff00"], ...added.slice(-1)], otherPort));
    assert.equal(news?.kind, "lost");
    assert.equal(read(datagram(added, otherPort)).length, 1);
  });
});
