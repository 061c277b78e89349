import { Command, InvalidArgumentError, Option } from "commander";
import { parseCidr } from "../../core/address.ts";
import type { DnsEnd, DnsQuery } from "../../core/dns-query.ts";
import { parseCount } from "../count.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { dnsShape } from "../formats/dns-shape.ts";
import { momentParser } from "../moment.ts";
import { printAll } from "../print-all.ts";
import { addStoreOptions, type RecordOptions } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Names that pods and nodes asked DNS servers for, and what they were told, where the setting dns.enabled is on (it is not by default:
docs/collector.md says what that records of people). Without --since, --until or --last: the last 20. Times are UTC.

Examples:
  sluice dns --since 10m --client prod-shop/cart
  sluice dns --name '*.example.com' --type AAAA --last 100 -o wide
  sluice dns --since 1h --rcode NXDOMAIN -o jsonl | jq -r .name | sort | uniq -c
  sluice dns --since 1h --unanswered         queries that got no answer
${exitCodeHelp}`;

interface Options extends RecordOptions {
  readonly since?: number;
  readonly until?: number;
  readonly last?: number;
  readonly name?: string;
  readonly type?: string;
  readonly rcode?: string;
  readonly unanswered: boolean;
  readonly client?: DnsEnd;
  readonly server?: DnsEnd;
  readonly node?: string;
  readonly allReports: boolean;
}

const defaultLast = 20;
/** Clocks of nodes differ a little: what they call now may be later than ours. */
const skewUs = 60_000_000;

export function dnsCommand(rim: Rim = realRim): Command {
  const moment = momentParser(rim.clock);
  const command = new Command("dns")
    .description("which names were asked for, by whom, and what the answer was")
    .option("--since <time>", "from then on: 5m (ago), now-1h, 2026-11-23T10:00 (UTC)", moment)
    .option("--until <time>", "up to then", moment)
    .option("--last <count>", "only the newest so many", parseCount)
    .option("--name <name>", "what was asked for; * and ? stand for others", (text) => text.toLowerCase())
    .option("--type <type>", "of the query: A, AAAA, SRV, …", (text) => text.toUpperCase())
    .addOption(
      new Option("--rcode <code>", "of the answer: NOERROR, NXDOMAIN, …")
        .argParser((text) => text.toUpperCase())
        .conflicts("unanswered"),
    )
    .option("--unanswered", "only queries that got no answer", false)
    .option("--client <end>", "who asked: [namespace/]name (* and ?), address or CIDR", endOf)
    .option("--server <end>", "who was asked", endOf)
    .option("--node <name>", "only as this node saw it")
    .option("--all-reports", "the records of every node, not only the one of each exchange to count", false)
    .addHelpText("after", examples);
  return addStoreOptions(command).action(async (options: Options) => {
    const query = queryOf(options, rim.clock.now());
    await printAll(options, rim, dnsShape, (store, signal) => store.dns(query, signal), "no records of DNS match");
  });
}

function queryOf(options: Options, nowMs: number): DnsQuery {
  const { since, until, last, name, type, rcode, unanswered, client, server, node, allReports } = options;
  const bounded = since !== undefined || until !== undefined;
  return {
    since: since ?? 0,
    until: until ?? Math.floor(nowMs) * 1000 + skewUs,
    limit: last ?? (bounded ? Number.MAX_SAFE_INTEGER : defaultLast),
    allReports: allReports || node !== undefined,
    ...(name === undefined ? {} : { name }),
    ...(type === undefined ? {} : { type }),
    ...(unanswered ? { rcode: null } : rcode === undefined ? {} : { rcode }),
    ...(client === undefined ? {} : { client }),
    ...(server === undefined ? {} : { server }),
    ...(node === undefined ? {} : { node }),
  };
}

function endOf(text: string): DnsEnd {
  if (/^[0-9a-fA-F.:]+(\/\d+)?$/.test(text) && /[.:]/.test(text)) return { by: "address", cidr: cidrOf(text) };
  const [namespace, name] = text.includes("/") ? text.split("/", 2) : [null, text];
  return { by: "name", namespace: namespace ?? null, name: name ?? "*" };
}

function cidrOf(text: string) {
  try {
    return parseCidr(text);
  } catch {
    throw new InvalidArgumentError("Write namespace/name, an address or a CIDR.");
  }
}
