import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { systemClock } from "../../core/clock.ts";
import type { Config } from "../../core/config.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import { parseSyslogServer } from "../../sinks/syslog/server.ts";
import type { SyslogTls } from "../../sinks/syslog/stream.ts";
import { SyslogSink } from "../../sinks/syslog/syslog-sink.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { chosenSinkCommand } from "./sink-chosen.ts";

const help = `
Sends records to a syslog server as messages of RFC 5424: what matters as structured data, the record as JSON behind it. Over TLS or TCP each has its
length before it. Kafka is told that records are done with when the server has read them: a connection takes records for a second
(--syslog.connection-ms), then we end it, and a server ends its side when it has read all. After any other end the records of that connection
come again, with the same id. What a server loses after it has read it, or by UDP on the way, nobody knows.

Examples:
  sluice sink syslog --bus.brokers kafka-0:9092 --syslog.server tls://siem.example:6514 --filter 'verdict = deny'
  sluice sink syslog --bus.brokers kafka-0:9092 --syslog.server tcp://10.0.0.9:601 --kinds change,loss --group audit
${exitCodeHelp}`;

export const sinkSyslogCommand = (): Command =>
  chosenSinkCommand({
    name: "syslog",
    description: "send chosen records of Kafka to a syslog server",
    help,
    others: /^(archive|collector|dns|spool|objects|enforcer|enricher|node|cluster|data|file|elasticsearch)\./,
    open(config) {
      const server = parseSyslogServer(config.syslog.server);
      if (server === undefined)
        throw new SluiceError("CONFIG_INVALID", "syslog.server is empty; give --syslog.server tls://host:6514");
      const { facility, connectionMs } = config.syslog;
      const sink = new SyslogSink({ server, tls: tlsOf(config), clock: systemClock, facility, connectionMs });
      const sinks = { flow: sink.of("flow"), dns: sink.of("dns"), loss: sink.of("loss"), change: sink.of("change") };
      return { sinks, close: () => sink.close() };
    },
  });

function tlsOf({ syslog: { caFile, certificateFile, keyFile } }: Config): SyslogTls {
  return {
    ...(caFile === "" ? {} : { authorities: read("syslog.ca-file", caFile) }),
    ...(certificateFile === "" ? {} : { certificate: read("syslog.certificate-file", certificateFile) }),
    ...(keyFile === "" ? {} : { key: read("syslog.key-file", keyFile) }),
  };
}

function read(setting: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new SluiceError("CONFIG_INVALID", `${setting}: ${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
