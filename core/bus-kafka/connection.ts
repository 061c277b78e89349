import { connect, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import kafkajs, { type ISocketFactory, type Kafka, type SASLOptions } from "kafkajs";
import type { Log } from "../log.ts";
import { brokerHost, brokerName } from "./broker-address.ts";
import { silenceNegativeTimers } from "./negative-timers.ts";
import { useZstd } from "./zstd.ts";

/** How to reach the brokers, and as whom. */
export interface KafkaConnection {
  /** `host:port` or `[address]:port`, any of them. */
  readonly brokers: readonly string[];
  /** Stands in the broker's logs and quotas. */
  readonly clientId: string;
  /** Asked for each connection, so that renewed certificates are taken. Absent: without TLS. */
  readonly tls?: () => KafkaTls;
  /** Absent: the brokers ask for no name, or take it from the certificate. */
  readonly sasl?: KafkaSasl;
}

/** Texts in PEM. */
export interface KafkaTls {
  /** Of who signed the brokers' certificates; those that Node.js trusts by default. */
  readonly authorities?: string;
  /** With `key`: ours, for brokers that ask for one (mTLS). */
  readonly certificate?: string;
  readonly key?: string;
  /** The name in the brokers' certificates, where it is not that of the address. */
  readonly serverName?: string;
}

export interface KafkaSasl {
  readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  readonly username: string;
  /** Asked for each connection, so that a changed password is taken. */
  readonly password: () => string;
}

/** Tries of one request; who asks decides what comes after them. */
const retry = { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000 };

export function connectTo({ brokers, clientId, tls, sasl }: KafkaConnection, log: Log): Kafka {
  useZstd();
  silenceNegativeTimers();
  return new kafkajs.Kafka({
    brokers: brokers.map(brokerName),
    clientId,
    retry,
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    logCreator: () => (entry) => tell(log, entry),
    ...(tls === undefined ? {} : { ssl: true }),
    socketFactory: sockets(tls),
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
  });
}

const keepAliveMs = 60_000;

/** As kafkajs makes them, with what the files say now. */
function sockets(tls: KafkaConnection["tls"]): ISocketFactory {
  return ({ host: named, port, onConnect }) => {
    const host = brokerHost(named);
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket =
      tls === undefined
        ? connect({ host, port }, onConnect)
        : connectTls({ host, port, ...name, ...tlsOptions(tls()) }, onConnect);
    // What is written while it still connects waits for that, a listener each: many are no leak.
    return socket.setMaxListeners(0).setKeepAlive(true, keepAliveMs);
  };
}

function tlsOptions({ authorities, certificate, key, serverName }: KafkaTls) {
  return {
    ...(authorities === undefined ? {} : { ca: [authorities] }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

/** kafkajs reads the password of this very object when it connects. */
function saslOptions({ mechanism, username, password }: KafkaSasl): SASLOptions {
  return {
    mechanism,
    username,
    get password() {
      return password();
    },
  } as SASLOptions;
}

interface Entry {
  readonly level: number;
  readonly namespace: string;
  readonly log: { readonly message: string; readonly error?: string | undefined };
}

/**
 * kafkajs calls errors what it tries again, and heals, by itself. What it gives up we are told as an error of the call, so its own words
 * are for who looks closely.
 */
function tell(log: Log, { level, namespace, log: { message, error } }: Entry): void {
  const fields = { client: namespace, ...(error === undefined ? {} : { error }) };
  if (level <= kafkajs.logLevel.WARN) log.debug(fields, message.toLowerCase());
}
