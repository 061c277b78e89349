import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { systemClock } from "../../core/clock.ts";
import { SluiceError } from "../../core/errors.ts";

/** Somebody with a token of this server. */
export interface ApiUser {
  readonly name: string;
  readonly groups: readonly string[];
}

export interface ApiServerOptions {
  readonly program: string;
  /** All state; a server that is started again on the same folder has the same objects, keys and tokens. */
  readonly folder: string;
  /** Beside `admin`, who is of system:masters. The token of a user is `NAME-token`. */
  readonly users?: readonly ApiUser[];
  /** Where audit events go, in batches of at most 0.2 s. */
  readonly auditUrl?: string;
  /** More flags of the program (its main.go says which). */
  readonly flags?: readonly string[];
  /** More flags of kube-apiserver itself. */
  readonly apiServerFlags?: readonly string[];
}

/** What the program writes once it answers. */
interface Ready {
  readonly server: string;
  readonly ca: string;
  readonly pid: number;
  readonly controllersPid: number;
}

export interface ApiReply {
  readonly status: number;
  readonly body: unknown;
}

/** A real Kubernetes API server with etcd and the controllers that tidy up, on a loopback port. It ends when this process does. */
export class ApiServer {
  readonly #options: ApiServerOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #ready: Ready | undefined;

  constructor(options: ApiServerOptions) {
    this.#options = options;
  }

  /** `https://127.0.0.1:PORT`; the same after a restart. */
  get url(): string {
    return this.#known().server;
  }

  /** Path of the certificate of its authority. */
  get caFile(): string {
    return this.#known().ca;
  }

  get pid(): number {
    return this.#known().pid;
  }

  /** Path of the audit log, complete when a request is answered. */
  get auditLog(): string {
    return join(this.#options.folder, "audit.log");
  }

  kubeconfig(user = "admin"): string {
    return join(this.#options.folder, `kubeconfig-${user}.yaml`);
  }

  token(user = "admin"): string {
    return `${user}-token`;
  }

  /** Resolves when the server answers: after about three seconds. Throws LAB_FAILED. */
  async start(): Promise<void> {
    const { folder, program, auditUrl, flags = [], apiServerFlags = [] } = this.#options;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#writeTokens();
    const [ready, log] = [join(folder, "ready.json"), join(folder, "server.log")];
    rmSync(ready, { force: true });
    const port = this.#ready === undefined ? [] : ["--port", new URL(this.#ready.server).port];
    const audit = auditUrl === undefined ? [] : ["--audit-url", auditUrl];
    const args = ["serve", "--dir", folder, "--exit-with-stdin", ...port, ...audit, ...flags, "--", ...apiServerFlags];
    const out = openSync(log, "a");
    // Its standard input stays open as long as this process lives.
    const child = spawn(program, args, { stdio: ["pipe", out, out] });
    closeSync(out);
    this.#child = child;
    const ended = new Promise((resolve) => child.once("close", resolve));
    this.#ended = ended;
    const end = systemClock.monotonic() + 120_000;
    while (!existsSync(ready)) {
      if (child.exitCode !== null || systemClock.monotonic() > end) throw this.#failed(log);
      await systemClock.sleep(20);
    }
    this.#ready = JSON.parse(readFileSync(ready, "utf8")) as Ready;
  }

  /** Ends it in order, or as a crash would. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await this.#ended;
  }

  /** Nothing is answered, connections stay: as when a network swallows packets. */
  freeze(): void {
    process.kill(this.pid, "SIGSTOP");
  }

  thaw(): void {
    process.kill(this.pid, "SIGCONT");
  }

  /** Stops it and deletes its state. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#options.folder, { recursive: true, force: true });
  }

  /** One raw request as a user; any status is an answer. */
  request(
    method: string,
    path: string,
    { user = "admin", body, type = "application/json", headers: more = {} }: RequestOptions = {},
  ): Promise<ApiReply> {
    const authorization = `Bearer ${this.token(user)}`;
    const headers = {
      accept: "application/json",
      authorization,
      ...(body === undefined ? {} : { "content-type": type }),
      ...more,
    };
    return new Promise((resolve, reject) => {
      const options = { method, headers, ca: readFileSync(this.caFile), agent: false as const };
      const asked = request(new URL(path, this.url), options, (reply) => {
        const parts: Buffer[] = [];
        reply.on("data", (part: Buffer) => parts.push(part));
        reply.once("error", reject);
        reply.once("end", () =>
          resolve({ status: reply.statusCode ?? 0, body: parsed(Buffer.concat(parts).toString()) }),
        );
      });
      asked.once("error", reject);
      asked.end(body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body));
    });
  }

  #writeTokens(): void {
    const users = [{ name: "admin", groups: ["system:masters"] }, ...(this.#options.users ?? [])];
    const lines = users.map(({ name, groups }) => `${this.token(name)},${name},u-${name},"${groups.join(",")}"`);
    writeFileSync(join(this.#options.folder, "tokens.csv"), `${lines.join("\n")}\n`, { mode: 0o600 });
  }

  #known(): Ready {
    if (this.#ready === undefined) throw new Error("the API server was not started");
    return this.#ready;
  }

  #failed(log: string): SluiceError {
    return new SluiceError(
      "LAB_FAILED",
      `the Kubernetes API server did not come up: ${readFileSync(log, "utf8").slice(-2_000)}`,
    );
  }
}

export interface RequestOptions {
  readonly user?: string;
  /** An object is sent as JSON. */
  readonly body?: unknown;
  /** Of a patch: `application/merge-patch+json`, `application/apply-patch+yaml`... */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
