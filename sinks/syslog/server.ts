/** Where messages go, and how. */
export interface SyslogServer {
  readonly transport: "tls" | "tcp" | "udp";
  readonly host: string;
  readonly port: number;
}

/** RFC 5425 section 4.1; RFC 6587 names none for TCP, and 601 is syslog-conn; RFC 5426 section 3.3. */
const ports = { tls: 6514, tcp: 601, udp: 514 } as const;

/** `tls://siem.example:6514`, `tcp://[fd00::1]:601`, `udp://10.0.0.9`; undefined if it is no such thing. */
export function parseSyslogServer(text: string): SyslogServer | undefined {
  const [, transport, bracketed, plain, digits] =
    /^(tls|tcp|udp):\/\/(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/\s]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (transport === undefined || host === undefined) return undefined;
  const known = transport as SyslogServer["transport"];
  const port = digits === undefined ? ports[known] : Number(digits);
  return port < 1 || port > 65_535 ? undefined : { transport: known, host, port };
}
