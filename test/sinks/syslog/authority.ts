import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate of `localhost` that signed itself, made by openssl in that folder. */
export function selfSigned(folder: string): { readonly key: string; readonly certificate: string } {
  const [key, certificate, config] = ["key.pem", "cert.pem", "openssl.cnf"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(config, "[req]\ndistinguished_name = name\n[name]\n");
  const options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const names = ["-config", config, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  execFileSync("openssl", ["req", "-x509", ...options, ...names, "-keyout", key, "-out", certificate], {
    stdio: "ignore",
  });
  return { key: readFileSync(key, "utf8"), certificate: readFileSync(certificate, "utf8") };
}
