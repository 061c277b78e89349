import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../core/clock.ts";
import { SluiceError } from "../../../core/errors.ts";
import type { Flow } from "../../../core/records/flow.ts";
import { retrying } from "../../../core/retrying.ts";
import { SyslogSink } from "../../../sinks/syslog/syslog-sink.ts";
import { flow, loss } from "../../support/flows.ts";
import { until } from "../../support/until.ts";
import { selfSigned } from "./authority.ts";
import { SyslogListener } from "./listener.ts";
import { readMessage } from "./read-message.ts";

const never = new AbortController().signal;
const flows = (from: number, count: number): readonly Flow[] =>
  Array.from({ length: count }, (_, at) => flow({ seq: from + at }));
const seqsOf = (messages: readonly string[]) =>
  messages.map((text) => Number(readMessage(text).fields.get("id")?.split("/").at(-1)));

describe("sinks/syslog", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-syslog-"));
  const tls = selfSigned(folder);
  const open = new Set<{ close(): void }>();
  after(() => rmSync(folder, { recursive: true }));
  afterEach(() => {
    for (const one of open) one.close();
    open.clear();
  });

  async function listening(withTls: boolean): Promise<{ listener: SyslogListener; port: number }> {
    const listener = new SyslogListener(withTls ? tls : undefined);
    open.add(listener);
    return { listener, port: await listener.listen() };
  }

  function sinkTo(
    transport: "tls" | "tcp" | "udp",
    port: number,
    { authorities = tls.certificate, connectionMs = 20 } = {},
  ): SyslogSink {
    const server = { transport, host: transport === "tls" ? "localhost" : "127.0.0.1", port };
    const sink = new SyslogSink({ server, tls: { authorities }, clock: systemClock, facility: "local0", connectionMs });
    open.add(sink);
    return sink;
  }

  for (const transport of ["tcp", "tls"] as const)
    describe(`over ${transport}`, () => {
      it("sends records in their order over one connection", async () => {
        const { listener, port } = await listening(transport === "tls");
        const sink = sinkTo(transport, port, { connectionMs: 500 });
        const of = sink.of("flow");
        const written = [of.write(flows(0, 300), never), of.write(flows(300, 300), never)];
        await Promise.all([...written, sink.of("loss").write([loss({ count: 3 })], never)]);
        await until("the last message", () => listener.messages.length === 601);
        assert.deepEqual(
          seqsOf(listener.messages.slice(0, 600)),
          Array.from({ length: 600 }, (_, at) => at),
        );
        assert.equal(readMessage(listener.messages[600] as string).kind, "loss");
        assert.equal(listener.connections, 1);
      });

      it("says so while there is no server, and goes on when there is one", async () => {
        const listener = new SyslogListener(transport === "tls" ? tls : undefined);
        const port = await listener.listen();
        listener.close();
        const sink = sinkTo(transport, port).of("flow");
        await assert.rejects(sink.write(flows(0, 1), never), (thrown) => isAway(thrown, /syslog server.*ECONNREFUSED/));
        const back = new SyslogListener(transport === "tls" ? tls : undefined);
        open.add(back);
        await back.listen(port);
        await sink.write(flows(0, 1), never);
        await until("the message", () => back.messages.length === 1);
      });

      for (const [cut, title] of [
        ["reset", "resets connections"],
        ["close", "closes connections with messages unread"],
        ["end", "ends connections"],
      ] as const) {
        // A socket below TLS cannot be reset.
        if (transport === "tls" && cut === "reset") continue;
        it(`has written what the server read, though it ${title}`, async () => {
          const { listener, port } = await listening(transport === "tls");
          listener.cut = cut;
          const sink = retrying(sinkTo(transport, port).of("flow"), { clock: systemClock, firstMs: 5 });
          for (let batch = 0; batch < 12; batch += 3) {
            listener.cutAfter = 20_000 + 30_000 * batch;
            await Promise.all([0, 1, 2].map((one) => sink.write(flows((batch + one) * 100, 100), never)));
            assert.equal(new Set(seqsOf(listener.messages)).size, (batch + 3) * 100);
          }
          assert.ok(listener.connections > 4);
        });
      }
    });

  it("has not written what the server's kernel has and its program leaves unread", async () => {
    const { listener, port } = await listening(false);
    listener.isReading = false;
    const writing = sinkTo("tcp", port).of("flow").write(flows(0, 3), never);
    const outcome = writing.catch((thrown: unknown) => thrown);
    await until("the connection", () => listener.connections === 1);
    const early = await Promise.race([outcome, systemClock.sleep(200).then(() => "waits")]);
    assert.equal(early, "waits");
    for (const socket of listener.sockets) socket.destroy();
    await assert.rejects(writing, (thrown) => isAway(thrown, /ECONNRESET/));
  });

  it("ends the connection at once, and waits for the server, when it is to stop", async () => {
    const { listener, port } = await listening(false);
    const stop = new AbortController();
    const writing = sinkTo("tcp", port, { connectionMs: 60_000 }).of("flow").write(flows(0, 3), stop.signal);
    await until("the messages", () => listener.messages.length === 3);
    stop.abort();
    await writing;
  });

  it("does not send to a server whose certificate nobody vouches for", async () => {
    const { listener, port } = await listening(true);
    const other = selfSigned(mkdtempSync(join(folder, "other-")));
    const sink = sinkTo("tls", port, { authorities: other.certificate }).of("flow");
    await assert.rejects(sink.write(flows(0, 1), never), (thrown) => isAway(thrown, /self-signed certificate/));
    assert.deepEqual(listener.messages, []);
  });

  it("does not count as stored what the server's kernel has no room for", async () => {
    const { listener, port } = await listening(false);
    listener.isReading = false;
    const stop = new AbortController();
    const sink = sinkTo("tcp", port).of("flow");
    const writing = sink.write(flows(0, 12_000), stop.signal);
    let isDone = false;
    void writing.then(
      () => {
        isDone = true;
      },
      () => {},
    );
    await until("the connection", () => listener.connections === 1, 20_000);
    for (const socket of listener.sockets) socket.pause();
    await systemClock.sleep(300);
    assert.equal(isDone, false);
    for (const socket of listener.sockets) socket.destroy();
    await assert.rejects(writing, (thrown) => isAway(thrown, /syslog server/));
  });

  it("sends a datagram a message by UDP", async () => {
    const messages: string[] = [];
    const socket = createSocket("udp4").on("message", (data) => messages.push(data.toString()));
    open.add(socket);
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    await sinkTo("udp", socket.address().port).of("flow").write(flows(0, 3), never);
    await until("three datagrams", () => messages.length === 3);
    assert.deepEqual(seqsOf(messages), [0, 1, 2]);
  });
});

function isAway(thrown: unknown, says: RegExp): boolean {
  assert.ok(thrown instanceof SluiceError);
  assert.deepEqual([thrown.code, thrown.retriable], ["SINK_FAILED", true]);
  assert.match(thrown.message, says);
  return true;
}
