export interface ReadMessage {
  readonly priority: number;
  readonly host: string;
  readonly kind: string;
  readonly fields: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A message by the grammar of RFC 5424, section 6; throws if it is none. */
export function readMessage(text: string): ReadMessage {
  const header = /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) (\S+) (\S+) (\S+) (\S+) \[([^ \]="]+)/.exec(
    text,
  );
  if (header === null) throw new Error(`no header: ${text}`);
  const [whole, priority, , host, , , kind] = header as unknown as readonly string[];
  const fields = new Map<string, string>();
  let rest = text.slice((whole as string).length);
  for (;;) {
    const field = /^ ([\x21\x23-\x3c\x3e-\x5c\x5e-\x7e]{1,32})="((?:[^"\\\]]|\\.)*)"/s.exec(rest);
    if (field === null) break;
    fields.set(field[1] as string, (field[2] as string).replaceAll(/\\(["\\\]])/g, "$1"));
    rest = rest.slice(field[0].length);
  }
  if (!/^\]( |$)/.test(rest)) throw new Error(`no end of the data: ${rest.slice(0, 80)}`);
  return { priority: Number(priority), host: host as string, kind: kind as string, fields, body: rest.slice(2) };
}

/** Messages of a stream, each with its length before it, and what is left of it. */
export function readFrames(data: Buffer): { readonly messages: readonly string[]; readonly rest: Buffer } {
  const messages: string[] = [];
  let at = 0;
  for (;;) {
    const space = data.indexOf(32, at);
    if (space < 0) break;
    const length = Number(data.toString("latin1", at, space));
    if (!Number.isInteger(length) || length <= 0) throw new Error(`no length at ${at}`);
    if (data.length < space + 1 + length) break;
    messages.push(data.toString("utf8", space + 1, space + 1 + length));
    at = space + 1 + length;
  }
  return { messages, rest: data.subarray(at) };
}
