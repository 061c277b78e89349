import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTls } from "node:tls";
import { systemClock } from "../../../core/clock.ts";
import { SluiceError } from "../../../core/errors.ts";
import type { Flow } from "../../../core/records/flow.ts";
import { retrying } from "../../../core/retrying.ts";
import { SyslogSink } from "../../../sinks/syslog/syslog-sink.ts";
import { flow, loss } from "../../support/flows.ts";
import { until } from "../../support/until.ts";
import { selfSigned } from "./authority.ts";
import { readFrames, readMessage } from "./read-message.ts";

const never = new AbortController().signal;
const flows = (from: number, count: number): readonly Flow[] =>
  Array.from({ length: count }, (_, at) => flow({ seq: from + at }));
const seqsOf = (messages: readonly string[]) =>
  messages.map((text) => Number(readMessage(text).fields.get("id")?.split("/").at(-1)));

/** A syslog server that keeps what it reads, and may be made to behave badly. */
class Listener {
  readonly messages: string[] = [];
  readonly sockets = new Set<Socket>();
  connections = 0;
  /** So many bytes it reads of a connection before it says that it wants no more; it reads what comes all the same. */
  cutAfter = Number.POSITIVE_INFINITY;
  isReading = true;
  readonly #server: Server;

  constructor(tls?: { readonly key: string; readonly certificate: string }) {
    const take = (socket: Socket) => this.#take(socket);
    this.#server = tls === undefined ? createTcp(take) : createTls({ key: tls.key, cert: tls.certificate }, take);
  }

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  #take(socket: Socket): void {
    this.connections++;
    this.sockets.add(socket);
    let data = Buffer.alloc(0);
    let taken = 0;
    socket.on("error", () => {});
    if (!this.isReading) return;
    socket.on("data", (part: Buffer) => {
      taken += part.length;
      const { messages, rest } = readFrames(Buffer.concat([data, part]));
      data = Buffer.from(rest);
      this.messages.push(...messages);
      if (taken < this.cutAfter) return;
      this.cutAfter = Number.POSITIVE_INFINITY;
      socket.end();
    });
  }
}

describe("sinks/syslog", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-syslog-"));
  const tls = selfSigned(folder);
  const open = new Set<{ close(): void }>();
  after(() => rmSync(folder, { recursive: true }));
  afterEach(() => {
    for (const one of open) one.close();
    open.clear();
  });

  async function listening(withTls: boolean): Promise<{ listener: Listener; port: number }> {
    const listener = new Listener(withTls ? tls : undefined);
    open.add(listener);
    return { listener, port: await listener.listen() };
  }

  function sinkTo(transport: "tls" | "tcp" | "udp", port: number, authorities = tls.certificate): SyslogSink {
    const server = { transport, host: transport === "tls" ? "localhost" : "127.0.0.1", port };
    const sink = new SyslogSink({ server, tls: { authorities }, clock: systemClock, facility: "local0" });
    open.add(sink);
    return sink;
  }

  for (const transport of ["tcp", "tls"] as const)
    describe(`over ${transport}`, () => {
      it("sends records in their order over one connection", async () => {
        const { listener, port } = await listening(transport === "tls");
        const sink = sinkTo(transport, port);
        const of = sink.of("flow");
        await Promise.all([of.write(flows(0, 300), never), of.write(flows(300, 300), never)]);
        await sink.of("loss").write([loss({ count: 3 })], never);
        await until("the last message", () => listener.messages.length === 601);
        assert.deepEqual(
          seqsOf(listener.messages.slice(0, 600)),
          Array.from({ length: 600 }, (_, at) => at),
        );
        assert.equal(readMessage(listener.messages[600] as string).kind, "loss");
        assert.equal(listener.connections, 1);
      });

      it("says so while there is no server, and goes on when there is one", async () => {
        const listener = new Listener(transport === "tls" ? tls : undefined);
        const port = await listener.listen();
        listener.close();
        const sink = sinkTo(transport, port).of("flow");
        await assert.rejects(sink.write(flows(0, 1), never), (thrown) => isAway(thrown, /syslog server.*ECONNREFUSED/));
        const back = new Listener(transport === "tls" ? tls : undefined);
        open.add(back);
        await back.listen(port);
        await sink.write(flows(0, 1), never);
        await until("the message", () => back.messages.length === 1);
      });
    });

  it("loses nothing when the server ends connections", async () => {
    const { listener, port } = await listening(false);
    const sink = retrying(sinkTo("tcp", port).of("flow"), { clock: systemClock, firstMs: 5 });
    for (let batch = 0; batch < 20; batch++) {
      if (batch % 5 === 2) listener.cutAfter = 20_000;
      await sink.write(flows(batch * 100, 100), never);
    }
    await until("the last message", () => new Set(seqsOf(listener.messages)).size === 2000);
    assert.ok(listener.connections > 1);
  });

  it("does not send to a server whose certificate nobody vouches for", async () => {
    const { listener, port } = await listening(true);
    const sink = sinkTo("tls", port, selfSigned(mkdtempSync(join(folder, "other-"))).certificate).of("flow");
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
