import { readFileSync } from "node:fs";
import type { KafkaConnection, KafkaSasl, KafkaTls } from "../../core/bus-kafka/connection.ts";
import type { Config } from "../../core/config.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";

/** How the configuration says to reach the brokers. Files are read now, so that a wrong name is told at start, and for each connection. */
export function connectionOf({ bus }: Config): KafkaConnection {
  const tls = () => tlsOf(bus);
  const sasl = bus.sasl === "none" ? undefined : saslOf(bus.sasl, bus);
  if (bus.tls) tls();
  sasl?.password();
  return {
    brokers: bus.brokers,
    clientId: `sluice-${process.pid}`,
    ...(bus.tls ? { tls } : {}),
    ...(sasl === undefined ? {} : { sasl }),
  };
}

function tlsOf({ caFile, certificateFile, keyFile, serverName }: Config["bus"]): KafkaTls {
  return {
    ...(caFile === "" ? {} : { authorities: read("bus.ca-file", caFile) }),
    ...(certificateFile === "" ? {} : { certificate: read("bus.certificate-file", certificateFile) }),
    ...(keyFile === "" ? {} : { key: read("bus.key-file", keyFile) }),
    ...(serverName === "" ? {} : { serverName }),
  };
}

function saslOf(mechanism: KafkaSasl["mechanism"], { username, password, passwordFile }: Config["bus"]): KafkaSasl {
  const now = () => (passwordFile === "" ? password : read("bus.password-file", passwordFile).trim());
  return { mechanism, username, password: now };
}

function read(setting: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new SluiceError("CONFIG_INVALID", `${setting}: ${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
