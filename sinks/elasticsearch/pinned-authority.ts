import { isIP } from "node:net";
import { type DetailedPeerCertificate, connect as tlsConnect } from "node:tls";
import { messageOf, SluiceError } from "../../core/errors.ts";

const answerMs = 10_000;

/**
 * The certificate (PEM) of who signed a server's, known by its SHA-256 in hexadecimal digits. It is taken from what the server shows, which
 * proves nothing yet: connections are then to be made with it as the only authority. (To compare the fingerprint alone, without that,
 * would let anybody pass who shows the right certificate beside a false one of his own.)
 */
export async function pinnedAuthority(url: string, fingerprint: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const wanted = plain(fingerprint);
  const shown = await chainOf(hostname, port === "" ? 443 : Number(port));
  const found = shown.find((certificate) => plain(certificate.fingerprint256) === wanted);
  if (found !== undefined) return pemOf(found.raw);
  const text = `elasticsearch.ca-fingerprint: ${url} shows no certificate with this fingerprint, but ${shown
    .map((certificate) => certificate.fingerprint256)
    .join(", ")}`;
  throw new SluiceError("ELASTICSEARCH_FAILED", text);
}

const plain = (fingerprint: string): string => fingerprint.replaceAll(":", "").toLowerCase();

function pemOf(raw: Buffer): string {
  const lines = raw.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

/** The server's certificate, whose signed it, and so on. */
function chainOf(host: string, port: number): Promise<readonly DetailedPeerCertificate[]> {
  return new Promise((resolve, reject) => {
    // Only to see the certificates: nothing is said over this connection.
    const socket = tlsConnect({
      ...{ host, port, timeout: answerMs, rejectUnauthorized: false },
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    const failed = (cause: unknown) => {
      socket.destroy();
      reject(new SluiceError("ELASTICSEARCH_FAILED", `${host}:${port}: ${messageOf(cause)}`, { retriable: true }));
    };
    socket.once("error", failed);
    socket.once("timeout", () => failed("no answer"));
    socket.once("secureConnect", () => {
      const chain: DetailedPeerCertificate[] = [];
      for (let next = socket.getPeerCertificate(true); next?.raw !== undefined; next = next.issuerCertificate) {
        if (chain.includes(next)) break; // who signed himself is his own issuer
        chain.push(next);
      }
      socket.destroy();
      resolve(chain);
    });
  });
}
