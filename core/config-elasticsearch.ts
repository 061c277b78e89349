import { z } from "zod";

/** Of aggregation, as Calico counts them. */
const level = () => z.literal([0, 1, 2, 3]).default(0);
const count = (from: number, to = Number.MAX_SAFE_INTEGER) => z.int().min(from).max(to);
const file = (of: string) => z.string().default("").describe(of);
const secret = (of: string) => z.string().default("").describe(of).meta({ secret: true });
const day = 86_400_000;

/** The settings elasticsearch.*; core/config.ts has the others. */
export const elasticsearchSection = z
  .strictObject({
    urls: z
      .array(z.string().regex(/^https?:\/\/[^\s/@]+\/?[^\s@]*$/, "must be URLs, without user and password"))
      .default([])
      .describe("Nodes of Elasticsearch, https://host:9200; requests go to them in turn."),
    cloudId: z.string().default("").describe("Cloud ID of a deployment at Elastic, in the place of URLs."),
    apiKey: secret(
      "API key, as Elasticsearch encodes it. Better SLUICE_ELASTICSEARCH_API_KEY or the file than a flag.",
    ),
    apiKeyFile: file("File that holds it, and nothing else."),
    username: z.string().default("").describe("User, where there is no API key."),
    password: secret(
      "Password of elasticsearch.username. Better SLUICE_ELASTICSEARCH_PASSWORD or the file than a flag.",
    ),
    passwordFile: file("File that holds it, and nothing else."),
    caFile: file("PEM file of who signed the servers' certificates; by default as Node.js."),
    caFingerprint: z
      .string()
      .regex(/^$|^([0-9A-Fa-f]{2}:?){32}$/, "must be a SHA-256 in hexadecimal digits")
      .default("")
      .describe("SHA-256 of who signed them, in the place of the file; the servers must show that certificate."),
    certificateFile: file("PEM file of our certificate, for servers that ask for one."),
    keyFile: file("PEM file of its key."),
    namespace: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_.]{0,99}$/, "must be at most 100 lower-case letters, digits, `_` and `.`")
      .default("default")
      .describe("Part of the names of indices: sluice-flow-NAMESPACE-2026.11.23."),
    bucket: z
      .enum(["hour", "day", "month"])
      .default("day")
      .describe("How much time an index holds. An index of 10 to 50 GB is about right."),
    shards: count(1, 1_024).default(1).describe("Primary shards of an index."),
    replicas: count(0, 10).default(1).describe("Copies of each shard."),
    refreshMs: count(100, 3_600_000).default(1_000).describe("How soon what is stored is found."),
    manageTemplates: z
      .boolean()
      .default(true)
      .describe(
        "Whether templates are made and adapted at start; false: somebody else does (sluice elasticsearch templates).",
      ),
    forceTemplates: z
      .boolean()
      .default(false)
      .describe("Whether templates are overwritten that a person changed. Those of a later version never are."),
    batchBytes: count(10_000, 100_000_000)
      .default(4_000_000)
      .describe("Bytes of a bulk request. Elasticsearch takes 100 MB at most (http.max_content_length)."),
    batchDocuments: count(1, 100_000).default(4_000).describe("Documents of a bulk request."),
    batchMs: count(10, 60_000).default(500).describe("How long a document may wait for others."),
    maxConcurrency: count(1, 64)
      .default(8)
      .describe("Bulk requests at once, at most; how many it are is found out by how long they take."),
    retentionMs: count(0)
      .default(30 * day)
      .describe("How long flows, DNS and heartbeats are kept; whole indices are deleted. 0: for ever."),
    evidenceRetentionMs: count(0)
      .default(400 * day)
      .describe("The same of changes, alerts and losses."),
    aggregateAllowed: level().describe(
      "How far allowed flows are merged in Elasticsearch. 0: not, so that it can answer all that the archive can. 1: without source ports. 2: without addresses and names of pods. 3: without destination ports. The archive keeps every one.",
    ),
    aggregateDenied: level().describe("The same of flows with a denial on their path, also one that is only staged."),
  })
  .superRefine((section, context) => {
    const must = (key: string, message: string) => context.addIssue({ code: "custom", path: [key], message });
    const { urls, cloudId, apiKey, apiKeyFile, username, password, passwordFile } = section;
    if (urls.length > 0 && cloudId !== "") must("cloudId", "must not be given with elasticsearch.urls");
    if (apiKey !== "" && apiKeyFile !== "") must("apiKeyFile", "must not be given with elasticsearch.api-key");
    if (password !== "" && passwordFile !== "") must("passwordFile", "must not be given with elasticsearch.password");
    if (username !== "" && password === "" && passwordFile === "")
      must("passwordFile", "must be given with elasticsearch.username");
    if (username !== "" && (apiKey !== "" || apiKeyFile !== "")) must("username", "must not be given with an API key");
    if ((section.certificateFile === "") !== (section.keyFile === ""))
      must("keyFile", "elasticsearch.certificate-file and elasticsearch.key-file go together");
    const usesTls = [section.caFile, section.caFingerprint, section.certificateFile].some((text) => text !== "");
    if (usesTls && urls.some((url) => url.startsWith("http:")))
      must("urls", "must be https where certificates are given");
    if (section.caFile !== "" && section.caFingerprint !== "")
      must("caFingerprint", "must not be given with elasticsearch.ca-file");
  })
  .prefault({});
