import { mkdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { programOf } from "./java.ts";
import { launch, untilReady } from "./processes.ts";
import type { LocalService } from "./service.ts";

/** Jobs must not be evicted when memory is short; they are refused instead. */
const options = ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"];

export const redis: LocalService = {
  name: "redis",
  lacks: () => (programOf("redis-server") === undefined ? "there is no redis-server" : undefined),
  async start({ data, port, settings }) {
    mkdirSync(data, { recursive: true });
    const where = ["--bind", "127.0.0.1", "--port", String(port), "--dir", data];
    const output = join(data, "out.log");
    const child = launch("redis-server", [...where, ...options, ...settings], output);
    return { ...(await untilReady(child, output, () => pongs(port))), env: { REDIS_URL: `redis://127.0.0.1:${port}` } };
  },
};

function pongs(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.once("data", (data) => {
      socket.destroy();
      resolve(data.toString().startsWith("+PONG"));
    });
    socket.once("error", reject);
  });
}
