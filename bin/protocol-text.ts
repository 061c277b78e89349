import { SluiceError } from "../core/errors.ts";
import { hasPorts, protocolName, protocolNumber } from "../policy/protocol.ts";

/** `tcp`, `UDP`, `icmpv6`, `47` as a number. `at` names what it was given to: `--protocol`. Throws USAGE. */
export function parseProtocol(text: string, at: string): number {
  const number = protocolNumber(text) ?? numberIn(text);
  if (number !== undefined) return number;
  throw new SluiceError("USAGE", `${at} ${text} is no protocol; try TCP, UDP or ICMP`);
}

/** Throws USAGE where the protocol has ports and none is given. */
export function checkPort(protocol: number, port: number | null, at: string): void {
  if (hasPorts(protocol) && !port) throw new SluiceError("USAGE", `${protocolName(protocol)} needs a ${at}`);
}

function numberIn(text: string): number | undefined {
  const number = Number(text);
  return Number.isInteger(number) && number >= 1 && number <= 255 ? number : undefined;
}

/** `TCP port 80`, `ICMP type 8`, `47` */
export function trafficText(protocol: number, port: number | null): string {
  const name = protocolName(protocol);
  if (port === null || (!hasPorts(protocol) && !name.startsWith("ICMP"))) return name;
  return `${name} ${name.startsWith("ICMP") ? "type" : "port"} ${port}`;
}
