import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Server as NetServer } from "node:net";
import { messageOf, SluiceError } from "./errors.ts";

export interface ListenAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** What a GET of a path gives. */
export type Routes = Readonly<Record<string, () => Answer | Promise<Answer>>>;

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly address: ListenAddress;
  readonly routes: Routes;
  /** The setting that gave the address, for the message when it is taken. */
  readonly setting: string;
}

const pattern = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/;

/** `127.0.0.1:9464`, `[::1]:9464`, `localhost:0`; undefined if it is no such thing. */
export function parseListen(text: string): ListenAddress | undefined {
  const [, bracketed, plain, digits] = pattern.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

export function text(status: number, body: string): Answer {
  return { status, type: "text/plain; charset=utf-8", body: `${body}\n` };
}

/** Serves a few pages that programs read. Throws PORT_TAKEN if the address cannot be had. */
export async function listen({ address, routes, setting }: ListenOptions): Promise<Listener> {
  const server = createServer((request, response) => void answer(routes, request, response));
  await listenAt(server, address, setting);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Throws PORT_TAKEN. */
export function listenAt(server: NetServer, { host, port }: ListenAddress, setting: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? "is in use by another program" : `cannot be used (${cause.message})`;
      const message = `${host}:${port} ${why}; give --${setting} another address`;
      reject(new SluiceError("PORT_TAKEN", message, { cause, context: { host, port } }));
    });
    server.listen({ host, port }, resolve);
  });
}

async function answer(routes: Routes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, type, body } = await answerTo(routes, request);
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(request.method === "HEAD" ? undefined : body);
}

async function answerTo(routes: Routes, { method, url = "/" }: IncomingMessage): Promise<Answer> {
  if (method !== "GET" && method !== "HEAD") return text(405, "only GET");
  const path = url.split("?")[0] as string;
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (route === undefined) return text(404, `nothing here; try ${Object.keys(routes).join(", ")}`);
  try {
    return await route();
  } catch (thrown) {
    return text(500, messageOf(thrown));
  }
}
