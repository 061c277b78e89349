import { z } from "zod";
import { SluiceError } from "./errors.ts";
import { type ListenAddress, parseListen } from "./http.ts";

const listen = () =>
  z
    .string()
    .refine((text) => text === "off" || parseListen(text) !== undefined, 'must be "address:port" or "off"')
    .default("off");
const file = (of: string) => z.string().default("").describe(of);

/** The settings audit.*; core/config.ts has the others. */
export const auditSection = z
  .strictObject({
    listen: listen().describe(
      "Where the API server sends its audit events (POST /audit), by TLS with certificates of both ends; off: nowhere. Plain HTTP on loopback only.",
    ),
    certificateFile: file("PEM file of our certificate, for audit.listen and audit.admission-listen."),
    keyFile: file("PEM file of its key."),
    clientCaFile: file(
      "PEM file of who signs the certificate that the API server shows; best an authority for just that.",
    ),
    clientNames: z
      .array(z.string().min(1))
      .default([])
      .describe("Common names of certificates that may send audit events; none: all that audit.client-ca-file signed."),
    logFile: file("The audit log of an API server on this machine, to be followed; its rotated files lie beside it."),
    admissionListen: listen().describe(
      "Where the API server asks the validating webhook (POST /admission) that tells who changes what, for clusters without audit events; off: nowhere.",
    ),
    admissionToken: z
      .string()
      .regex(/^[A-Za-z0-9_-]*$/, "must be letters, digits, `_` and `-`")
      .default("")
      .meta({ secret: true })
      .describe(
        "With it the webhook is asked at /admission/TOKEN, so that nobody else can tell tales; whoever listens beyond loopback needs one.",
      ),
    ownNamespace: z
      .string()
      .min(1)
      .default("sluice-system")
      .describe("The namespace where Sluice runs: its pods and ConfigMaps are controls too."),
    waitMs: z
      .int()
      .min(0)
      .max(600_000)
      .default(60_000)
      .describe(
        "How long a change waits for word of who did it, if anybody tells. The API server sends events after 30 s at the latest by default.",
      ),
    silenceMs: z
      .int()
      .min(10_000)
      .max(86_400_000)
      .default(300_000)
      .describe(
        "If no event comes so long after a request that must have made one, audit events have stopped, which is a change record.",
      ),
  })
  .superRefine((section, context) => {
    const must = (key: string, message: string) => context.addIssue({ code: "custom", path: [key], message });
    const { certificateFile, keyFile, clientCaFile } = section;
    if ((certificateFile === "") !== (keyFile === ""))
      must("keyFile", "audit.certificate-file and audit.key-file go together");
    const isOpen = (text: string) => isBeyondLoopback(parseListen(text)) && certificateFile === "";
    if (isOpen(section.listen)) must("certificateFile", "must be given, unless audit.listen is a loopback address");
    if (isOpen(section.admissionListen))
      must("certificateFile", "must be given, unless audit.admission-listen is a loopback address");
    if (isBeyondLoopback(parseListen(section.listen)) && clientCaFile === "")
      must("clientCaFile", "must be given, unless audit.listen is a loopback address: anybody could tell tales");
    if (section.clientNames.length > 0 && clientCaFile === "")
      must("clientCaFile", "must be given with audit.client-names");
    if (clientCaFile !== "" && certificateFile === "")
      must("certificateFile", "must be given with audit.client-ca-file");
  })
  .prefault({});

/**
 * For who listens. Throws CONFIG_INVALID where anybody could say who changed what. Other processes read the same settings without the token,
 * which no ConfigMap may hold.
 */
export function requireAdmissionToken({
  admissionListen,
  admissionToken,
}: Pick<z.output<typeof auditSection>, "admissionListen" | "admissionToken">): void {
  if (admissionToken !== "" || !isBeyondLoopback(parseListen(admissionListen))) return;
  throw new SluiceError(
    "CONFIG_INVALID",
    `audit.admission-token is empty: whoever reaches ${admissionListen} could say who changed what; give SLUICE_AUDIT_ADMISSION_TOKEN, or a loopback address as audit.admission-listen`,
  );
}

function isBeyondLoopback(address: ListenAddress | undefined): boolean {
  return address !== undefined && !/^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(address.host);
}
