import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Paths of PEM files. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  /** Key and certificate in one, as Kafka's PEM keystores are. */
  readonly both: string;
}

/** Certificates for tests, made by openssl(1) in a folder. */
export class Authority {
  readonly #folder: string;
  readonly #name: string;
  readonly file: string;

  constructor(folder: string, name: string) {
    [this.#folder, this.#name] = [folder, name];
    const key = this.#key(name);
    this.file = join(folder, `${name}.pem`);
    this.#openssl("req", "-x509", "-new", "-key", key, "-subj", `/CN=${name}`, "-days", "2", "-out", this.file);
  }

  /** `names` as openssl writes them: `IP:127.0.0.1,DNS:localhost`. */
  issue(name: string, { names = "", days = 2 }: { readonly names?: string; readonly days?: number } = {}): Certificate {
    const key = this.#key(name);
    const [request, certificate] = [join(this.#folder, `${name}.csr`), join(this.#folder, `${name}.pem`)];
    const extension = names === "" ? [] : ["-addext", `subjectAltName=${names}`];
    this.#openssl("req", "-new", "-key", key, "-subj", `/CN=${name}`, ...extension, "-out", request);
    const signer = ["-CA", this.file, "-CAkey", join(this.#folder, `${this.#name}.key`), "-CAcreateserial"];
    const term = ["-days", String(days), "-copy_extensions", "copy", "-out", certificate];
    this.#openssl("x509", "-req", "-in", request, ...signer, ...term);
    const both = join(this.#folder, `${name}.both.pem`);
    writeFileSync(both, readFileSync(key, "utf8") + readFileSync(certificate, "utf8"));
    return { certificate, key, both };
  }

  /** In PKCS#8, which Kafka wants. */
  #key(name: string): string {
    const file = join(this.#folder, `${name}.key`);
    this.#openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", file);
    return file;
  }

  #openssl(...args: readonly string[]): void {
    execFileSync("openssl", args, { stdio: "pipe" });
  }
}
