import { readFileSync } from "node:fs";
import { createServer as createPlain, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecure, type Server as SecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { type Answer, type ListenAddress, type Listener, listenAt, text } from "../../core/http.ts";
import { type BodyFault, readBody } from "./request-body.ts";
import { Turns } from "./turns.ts";

/** PEM files of a server; they are read anew by `reload`. */
export interface ServerTls {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** With it clients must show a certificate that it signed. */
  readonly clientCaFile: string | null;
  /** Their common names; empty: any. */
  readonly clientNames: readonly string[];
}

export type TurnedAway = "client" | "path" | "method" | "busy" | BodyFault;

export interface PostServerOptions {
  readonly address: ListenAddress;
  /** The setting that gave the address. */
  readonly setting: string;
  /** Null: plain HTTP. */
  readonly tls: ServerTls | null;
  readonly path: string;
  /** Of one body. */
  readonly maxBytes: number;
  /** Bodies in memory at once; whoever waits for one of their places has sent nothing yet. */
  readonly atOnce: number;
  readonly answer: (body: string) => Promise<Answer>;
  readonly onTurnedAway: (why: TurnedAway) => void;
}

export interface PostListener extends Listener {
  /** Takes certificates that were replaced on disk. Throws if they cannot be read; the old ones stay. */
  reload(): void;
}

/** Beyond so many a client is told to come again. */
const waiting = 64;
/** A body that comes slower is from nobody who means well. */
const bodyMs = 30_000;

/** Serves one path that takes POSTs. Throws PORT_TAKEN, and what reading the certificates does. */
export async function servePosts(options: PostServerOptions): Promise<PostListener> {
  const { tls, address, setting } = options;
  const turns = new Turns({ atOnce: options.atOnce, waiting });
  const handle = (request: IncomingMessage, response: ServerResponse) =>
    void serveOne(options, turns, request, response);
  const server = tls === null ? createPlain(handle) : createSecure(secureOptions(tls), handle);
  server.requestTimeout = bodyMs;
  await listenAt(server, address, setting);
  return {
    port: (server.address() as AddressInfo).port,
    reload: () => {
      if (tls !== null) (server as SecureServer).setSecureContext(secureOptions(tls));
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function secureOptions({ certificateFile, keyFile, clientCaFile }: ServerTls) {
  const own = { cert: readFileSync(certificateFile), key: readFileSync(keyFile), minVersion: "TLSv1.2" as const };
  if (clientCaFile === null) return own;
  return { ...own, ca: readFileSync(clientCaFile), requestCert: true, rejectUnauthorized: true };
}

async function serveOne(
  options: PostServerOptions,
  turns: Turns,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answer = await answerTo(options, turns, request);
  // What was not read of the body is of no use to the next request.
  if (!request.complete) response.setHeader("connection", "close");
  response.writeHead(answer.status, { "content-type": answer.type, "content-length": Buffer.byteLength(answer.body) });
  response.end(answer.body);
}

async function answerTo(options: PostServerOptions, turns: Turns, request: IncomingMessage): Promise<Answer> {
  const turnAway = (status: number, why: TurnedAway) => {
    options.onTurnedAway(why);
    return text(status, why);
  };
  if (!isFrom(options.tls, request)) return turnAway(403, "client");
  if (request.url?.split("?")[0] !== options.path) return turnAway(404, "path");
  if (request.method !== "POST") return turnAway(405, "method");
  const answer = await turns.take(async () => {
    const body = await readBody(request, options.maxBytes);
    return "fault" in body ? turnAway(body.fault === "size" ? 413 : 400, body.fault) : await options.answer(body.text);
  });
  return answer ?? turnAway(503, "busy");
}

/** The certificate is one that the authority signed: without it the handshake had failed. */
function isFrom(tls: ServerTls | null, { socket }: IncomingMessage): boolean {
  if (tls === null || tls.clientNames.length === 0) return true;
  const { CN } = (socket as TLSSocket).getPeerCertificate().subject ?? {};
  return typeof CN === "string" && tls.clientNames.includes(CN);
}
