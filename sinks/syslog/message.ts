import { isoTime } from "../../core/clock.ts";

// syslog message => "<" pri ">1 " time " " host " " app " " procid " " msgid " " structured-data " " msg       RFC 5424, section 6
// structured-data => "[" id (" " name "=" "\"" value "\"")* "]"

/** RFC 5424, table 1. */
export const facilities = {
  ...{ user: 1, daemon: 3, auth: 4, authpriv: 10, audit: 13 },
  ...{ local0: 16, local1: 17, local2: 18, local3: 19, local4: 20, local5: 21, local6: 22, local7: 23 },
} as const;
export type Facility = keyof typeof facilities;

/** RFC 5424, table 2; those that we use. */
export const severities = { alert: 1, error: 3, warning: 4, notice: 5, info: 6 } as const;
export type Severity = keyof typeof severities;

export interface SyslogMessage {
  readonly facility: Facility;
  readonly severity: Severity;
  /** Microseconds since the epoch. */
  readonly time: number;
  /** Who saw it. */
  readonly host: string;
  /** What kind of message: `flow`. */
  readonly kind: string;
  /** What to find it by without reading the text; what has no value is left out. */
  readonly fields: Readonly<Record<string, string | number | boolean | null>>;
  /** In ASCII, so that it needs no byte order mark to say what it is. */
  readonly text: string;
}

/** Private enterprise number 32473 is that of examples (RFC 5612): we have none of our own. */
const dataId = "sluice@32473";

/** The message as it goes over a wire, without framing. */
export function syslogText({ facility, severity, time, host, kind, fields, text }: SyslogMessage): string {
  const priority = facilities[facility] * 8 + severities[severity];
  const header = `<${priority}>1 ${timeText(time)} ${headerText(host, 255)} sluice - ${headerText(kind, 32)}`;
  return `${header} ${dataText(fields)} ${text}`;
}

/** At most six digits of a second are allowed, which is what we have. */
function timeText(us: number): string {
  const seconds = Math.floor(us / 1_000_000);
  const fraction = String(us - seconds * 1_000_000).padStart(6, "0");
  return `${isoTime(seconds * 1000).slice(0, 19)}.${fraction}Z`;
}

/** PRINTUSASCII: what is not, as a question mark; nothing, as `-`. */
function headerText(value: string, most: number): string {
  const printable = value.replaceAll(/[^\x21-\x7e]/g, "?").slice(0, most);
  return printable === "" ? "-" : printable;
}

function dataText(fields: SyslogMessage["fields"]): string {
  const parameters = Object.entries(fields).filter(([, value]) => value !== null);
  const texts = parameters.map(([name, value]) => ` ${name}="${escaped(String(value).toWellFormed())}"`);
  return `[${dataId}${texts.join("")}]`;
}

/** `"`, `\` and `]` are escaped (section 6.3.3); control characters, by which receivers that go by lines would be misled, are left out. */
function escaped(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return value.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, "?").replaceAll(/["\\\]]/g, "\\$&");
}
