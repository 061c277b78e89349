import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { ListenAddress } from "../../core/http.ts";
import type { MayAccess, Subject } from "../../core/kube/api/access.ts";
import type { Log } from "../../core/log.ts";
import { type Answer, judgeRead, reviewOf } from "./reads.ts";

/** PEM. */
export interface Certificates {
  readonly certificate: Buffer;
  readonly key: Buffer;
  /** Whoever asks must have a certificate of it; without it anybody may ask what others may read. */
  readonly clientAuthority?: Buffer;
}

export interface ReadsServerOptions {
  readonly address: ListenAddress;
  readonly certificates: Certificates;
  readonly accessOf: (subject: Subject) => MayAccess;
  readonly log: Log;
}

/** A review is some hundred bytes; with many groups, some thousand. */
const maxBytes = 1 << 20;

/** Answers the API server's SubjectAccessReviews over HTTPS. What cannot be answered is denied. */
export class ReadsServer {
  readonly #options: ReadsServerOptions;
  readonly #server: Server;

  constructor(options: ReadsServerOptions) {
    this.#options = options;
    const asking = options.certificates.clientAuthority && { requestCert: true, rejectUnauthorized: true };
    this.#server = createServer({ ...contextOf(options.certificates), ...asking }, (request, response) => {
      void this.#answer(request, response);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Throws PORT_TAKEN. */
  listen(): Promise<void> {
    const { host, port } = this.#options.address;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (cause) =>
        reject(new SluiceError("PORT_TAKEN", `${host}:${port} cannot be used: ${messageOf(cause)}`, { cause })),
      );
      this.#server.listen({ host, port }, resolve);
    });
  }

  /** For connections from now on. Throws CONFIG_INVALID. */
  renew(certificates: Certificates): void {
    this.#server.setSecureContext(contextOf(certificates));
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "GET" && request.url === "/healthz") return write(response, 200, { ok: true });
    try {
      const review = reviewOf(JSON.parse(await bodyOf(request)));
      // The API server takes any answer but a review for a failure, and denies.
      if (review === undefined) return write(response, 400, { error: "this is no SubjectAccessReview of a resource" });
      write(response, 200, reviewed(await this.#judge(review)));
    } catch (thrown) {
      write(response, 400, { error: messageOf(thrown) });
    }
  }

  async #judge({ subject, access }: NonNullable<ReturnType<typeof reviewOf>>): Promise<Answer> {
    try {
      return await judgeRead(access, this.#options.accessOf(subject));
    } catch (thrown) {
      this.#options.log.warn({ error: messageOf(thrown) }, "a read could not be judged, and is denied");
      return { allowed: false, denied: true, reason: "the rights in tiers could not be looked up" };
    }
  }
}

function contextOf({ certificate, key, clientAuthority }: Certificates): SecureContextOptions {
  const context = {
    cert: certificate,
    key,
    minVersion: "TLSv1.2",
    ...(clientAuthority && { ca: clientAuthority }),
  } as const;
  try {
    createSecureContext(context);
  } catch (cause) {
    throw new SluiceError("CONFIG_INVALID", `this is no certificate with its key: ${messageOf(cause)}`, { cause });
  }
  return context;
}

function reviewed(status: Answer): object {
  return { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", status };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxBytes) throw new Error("the body is too long");
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function write(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
