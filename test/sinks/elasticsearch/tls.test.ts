import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { connectElastic, type ElasticConnection } from "../../../sinks/elasticsearch/elastic.ts";

/** Who signs, a server at 127.0.0.1 and a client, made by openssl for this run; and one who signs nothing. */
function makeCertificates(folder: string): void {
  const openssl = (...words: readonly string[]) => execFileSync("openssl", words, { cwd: folder, stdio: "pipe" });
  const key = (name: string) => [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-keyout",
    `${name}.key`,
  ];
  for (const name of ["ca", "other"])
    openssl("req", "-x509", ...key(name), "-out", `${name}.crt`, "-days", "2", "-subj", "/CN=Signs");
  for (const name of ["server", "client"]) {
    openssl(
      "req",
      ...key(name),
      "-out",
      `${name}.csr`,
      "-subj",
      `/CN=${name}`,
      "-addext",
      "subjectAltName=IP:127.0.0.1",
    );
    const by = (signer: string, out: string) =>
      openssl(
        "x509",
        "-req",
        "-in",
        `${name}.csr`,
        "-CA",
        `${signer}.crt`,
        "-CAkey",
        `${signer}.key`,
        "-out",
        out,
        "-days",
        "2",
        "-copy_extensions",
        "copy",
        "-CAcreateserial",
      );
    by("ca", `${name}.crt`);
    by("other", `${name}-other.crt`);
  }
}

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}

describe("a connection to Elasticsearch by TLS", () => {
  let folder = "";
  let server: Server | undefined;
  let heard: { readonly authorization: string | undefined; readonly client: string | undefined }[] = [];
  const read = (name: string) => readFileSync(join(folder, name), "utf8");

  before(function () {
    if (!hasOpenssl()) {
      if (process.env["CI"] !== undefined) throw new Error("there is no openssl, and CI is set");
      console.log("skipped: there is no openssl");
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), "sluice-tls-"));
    makeCertificates(folder);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(async () => {
    heard = [];
    server?.closeAllConnections();
    if (server?.listening === true) await once(server.close(), "close");
  });

  /** One that shows `certificate` and what else stands in `shown`. */
  async function serve(certificate: string, shown: string, asks = false): Promise<string> {
    const cert = read(certificate) + read(shown);
    const options = { cert, key: read("server.key"), ca: read("ca.crt"), requestCert: asks, rejectUnauthorized: asks };
    server = createServer(options, (request, answer) => {
      const peer = (request.socket as TLSSocket).getPeerCertificate();
      heard.push({ authorization: request.headers.authorization, client: peer?.subject?.CN as string | undefined });
      answer.writeHead(200, { "content-type": "application/json", "x-elastic-product": "Elasticsearch" }).end("{}");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function ask(connection: ElasticConnection): Promise<number> {
    const elastic = await connectElastic(connection);
    try {
      return (await elastic.ask({ method: "GET", path: "/" })).status;
    } finally {
      await elastic.close();
    }
  }

  const fingerprintOf = (name: string) => new X509Certificate(read(name)).fingerprint256;

  it("trusts who signed by a file, and nobody without", async () => {
    const url = await serve("server.crt", "ca.crt");
    assert.equal(await ask({ urls: [url], authorities: read("ca.crt") }), 200);
    await assert.rejects(ask({ urls: [url] }), { code: "ELASTICSEARCH_FAILED" });
    await assert.rejects(ask({ urls: [url], authorities: read("other.crt") }), { code: "ELASTICSEARCH_FAILED" });
  });

  it("trusts who signed by a fingerprint, however it is written", async () => {
    const url = await serve("server.crt", "ca.crt");
    const fingerprint = fingerprintOf("ca.crt");
    assert.equal(await ask({ urls: [url], fingerprint }), 200);
    assert.equal(await ask({ urls: [url], fingerprint: fingerprint.replaceAll(":", "").toLowerCase() }), 200);
    await assert.rejects(
      ask({ urls: [url], fingerprint: fingerprintOf("other.crt") }),
      /no certificate with this fingerprint/,
    );
  });

  it("trusts nobody who only shows the right certificate beside his own", async () => {
    const url = await serve("server-other.crt", "ca.crt");
    await assert.rejects(ask({ urls: [url], fingerprint: fingerprintOf("ca.crt") }), { code: "ELASTICSEARCH_FAILED" });
    assert.deepEqual(heard, []);
  });

  it("says who we are by API key, by password and by certificate, and no error tells a secret", async () => {
    const url = await serve("server.crt", "ca.crt");
    const authorities = read("ca.crt");
    await ask({ urls: [url], authorities, apiKey: "c2VjcmV0" });
    await ask({ urls: [url], authorities, basic: { username: "u", password: "p" } });
    assert.deepEqual(
      heard.map(({ authorization }) => authorization),
      ["ApiKey c2VjcmV0", `Basic ${Buffer.from("u:p").toString("base64")}`],
    );
    await assert.rejects(ask({ urls: [url], apiKey: "c2VjcmV0" }), (error: Error) => {
      assert.doesNotMatch(JSON.stringify({ ...error, message: error.message }), /c2VjcmV0/);
      return true;
    });
  });

  it("shows our certificate to who asks for one", async () => {
    const url = await serve("server.crt", "ca.crt", true);
    const authorities = read("ca.crt");
    const ours = { certificate: read("client.crt"), key: read("client.key") };
    assert.equal(await ask({ urls: [url], authorities, ...ours }), 200);
    assert.equal(heard[0]?.client, "client");
    await assert.rejects(ask({ urls: [url], authorities }), { code: "ELASTICSEARCH_FAILED" });
  });

  it("finds a deployment by its cloud id, and says so if it is none", async () => {
    await assert.rejects(connectElastic({ urls: [], cloudId: "nonsense" }), { code: "CONFIG_INVALID" });
    const cloudId = `name:${Buffer.from("example.invalid$deployment$kibana").toString("base64")}`;
    await assert.rejects(ask({ urls: [], cloudId, apiKey: "x" }), { code: "ELASTICSEARCH_FAILED", retriable: true });
  });
});
