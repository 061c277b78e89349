import { readFileSync } from "node:fs";
import type { Config } from "../../core/config.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import type { ElasticConnection } from "../../sinks/elasticsearch/elastic.ts";

/** Of the section elasticsearch.*; what is secret stands in files or in the environment. */
export function elasticConnection({ elasticsearch }: Config): ElasticConnection {
  const { urls, cloudId, username, caFile, caFingerprint, certificateFile, keyFile } = elasticsearch;
  if (urls.length === 0 && cloudId === "")
    throw new SluiceError(
      "CONFIG_INVALID",
      "elasticsearch.urls is empty: give --elasticsearch.urls https://host:9200, or elasticsearch.cloud-id",
    );
  const apiKey = secret("api-key", elasticsearch.apiKey, elasticsearch.apiKeyFile);
  const password = secret("password", elasticsearch.password, elasticsearch.passwordFile);
  return {
    urls,
    ...(cloudId === "" ? {} : { cloudId }),
    ...(apiKey === "" ? {} : { apiKey }),
    ...(username === "" ? {} : { basic: { username, password } }),
    ...(caFile === "" ? {} : { authorities: read("ca-file", caFile) }),
    ...(certificateFile === "" ? {} : { certificate: read("certificate-file", certificateFile) }),
    ...(keyFile === "" ? {} : { key: read("key-file", keyFile) }),
    ...(caFingerprint === "" ? {} : { fingerprint: caFingerprint }),
  };
}

function secret(name: string, value: string, file: string): string {
  return file === "" ? value : read(`${name}-file`, file).trim();
}

function read(setting: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new SluiceError("CONFIG_INVALID", `elasticsearch.${setting}: ${file} cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
}
