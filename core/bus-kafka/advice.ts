import { messageOf } from "../errors.ts";

/** What was asked of the brokers, for the right that is missing. */
export interface Asked {
  readonly topic?: string;
  /** As Kafka has it. */
  readonly group?: string;
  /** A producer's name for its transactions. */
  readonly transaction?: string;
  /** Operations on the topic, e.g. `Write`. */
  readonly needs?: string;
}

interface Advice {
  /** Of the error's names, codes and messages, those of its causes too. */
  readonly sign: RegExp;
  /** Whether only a person can mend it: trying again does not help. */
  readonly isFinal: boolean;
  readonly text: (asked: Asked) => string;
}

const always = (text: string) => () => text;

const missingOnTopic = ({ topic, needs = "Describe" }: Asked) =>
  topic === undefined
    ? "a right on a topic is missing: see sluice bus acls"
    : `the right ${needs} on the topic ${topic} is missing: see sluice bus acls`;

/** The first that fits. Names are those of OpenSSL, Node.js and Kafka's protocol. */
const table: readonly Advice[] = [
  {
    sign: /CERT_HAS_EXPIRED|certificate has expired|CERT_NOT_YET_VALID/,
    isFinal: true,
    text: always("the brokers' certificate is out of date: renew it there, and compare the clocks"),
  },
  {
    sign: /ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate's altnames|altnames/,
    isFinal: true,
    text: always("the brokers' certificate has another name: use that in bus.brokers, or set bus.server-name"),
  },
  {
    sign: /UNABLE_TO_VERIFY|SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER|self-signed certificate|unable to (verify|get)/,
    isFinal: true,
    text: always("nobody we trust signed the brokers' certificate: set bus.ca-file to who did"),
  },
  {
    sign: /alert (bad certificate|unknown ca|certificate (required|unknown|expired|revoked)|handshake failure)|CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|ALERT_HANDSHAKE/i,
    isFinal: true,
    text: always(
      "the brokers do not accept our certificate, or want one: set bus.certificate-file and bus.key-file to one that they trust",
    ),
  },
  {
    sign: /wrong version number|WRONG_VERSION_NUMBER|packet length too long|before secure TLS connection was established/,
    isFinal: false,
    text: always("this port may speak no TLS: set bus.tls to false, or take the brokers' TLS port in bus.brokers"),
  },
  {
    sign: /mechanism is not supported|UNSUPPORTED_SASL_MECHANISM/,
    isFinal: true,
    text: always("set bus.sasl to a mechanism that the brokers offer"),
  },
  {
    sign: /SASLAuthentication|SASL_AUTHENTICATION_FAILED|SASL .* authentication failed/,
    isFinal: true,
    text: always("the brokers do not know this name with this password: see bus.username and bus.password-file"),
  },
  {
    sign: /ILLEGAL_SASL_STATE/,
    isFinal: true,
    text: always("this port asks who we are: set bus.sasl and bus.username"),
  },
  {
    sign: /GROUP_AUTHORIZATION_FAILED|Not authorized to access group/,
    isFinal: true,
    text: ({ group = "" }) => `the right Read on the group ${group} is missing: see sluice bus acls`,
  },
  {
    sign: /TRANSACTIONAL_ID_AUTHORIZATION_FAILED|Transactional Id authorization failed/,
    isFinal: true,
    text: ({ transaction = "" }) =>
      `the right Write on the transactional id ${transaction} is missing: see sluice bus acls`,
  },
  {
    // Nothing is wrong: brokers let the last one that began write.
    sign: /INVALID_PRODUCER_EPOCH|PRODUCER_FENCED/,
    isFinal: false,
    text: ({ transaction = "" }) => `another process writes as ${transaction} now`,
  },
  {
    // So kafkajs answers whatever keeps it from the coordinator.
    sign: /GroupCoordinatorNotFound/,
    isFinal: false,
    text: ({ group = "", transaction }) =>
      transaction === undefined
        ? `the right Read on the group ${group} may be missing: see sluice bus acls`
        : `the right Write on the transactional id ${transaction} may be missing: see sluice bus acls`,
  },
  {
    sign: /TOPIC_AUTHORIZATION_FAILED|Not authorized to access topics/,
    isFinal: true,
    text: missingOnTopic,
  },
  {
    // An idempotent producer is let in if there is any topic that it may write to.
    sign: /CLUSTER_AUTHORIZATION_FAILED|Cluster authorization failed/,
    isFinal: true,
    text: (asked) =>
      asked.topic === undefined ? "a right on the cluster is missing: see sluice bus acls" : missingOnTopic(asked),
  },
  {
    sign: /ConnectionClosed|Closed connection|Connection closed by the server/,
    isFinal: false,
    text: always("if it goes on, this port may speak TLS (bus.tls) or ask who we are (bus.sasl)"),
  },
];

/** The message of an error of the brokers, and what to do about it. */
export function explained(cause: unknown, asked: Asked = {}): string {
  const parts = partsOf(cause).map(messageOf);
  const text = [messageOf(cause), ...new Set(parts)].join(": ");
  const advice = adviceOn(cause);
  return advice === undefined ? text : `${text}; ${advice.text(asked)}`;
}

/** Whether a person has to mend something before trying again may help. */
export function isFinal(cause: unknown): boolean {
  return adviceOn(cause)?.isFinal ?? false;
}

function adviceOn(cause: unknown): Advice | undefined {
  const signs = signsOf(cause).join(" ");
  return table.find(({ sign }) => sign.test(signs));
}

/** Errors that kafkajs sums up in one. */
function partsOf(thrown: unknown): readonly unknown[] {
  const { errors } = thrown as { readonly errors?: unknown };
  return Array.isArray(errors) ? errors : [];
}

/** Everything that an error is called; kafkajs keeps protocol errors' names in `type`. */
function signsOf(thrown: unknown, depth = 0): readonly string[] {
  if (typeof thrown !== "object" || thrown === null || depth > 5) return [];
  const { name, type, code, message, cause } = thrown as Readonly<Record<string, unknown>>;
  const own = [name, type, code, message].filter((part) => typeof part === "string");
  return [...own, ...[cause, ...partsOf(thrown)].flatMap((inner) => signsOf(inner, depth + 1))];
}
