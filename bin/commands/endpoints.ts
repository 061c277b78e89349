import { Command, Option } from "commander";
import { type Address, cidrContains, compareAddresses, parseCidr } from "../../core/address.ts";
import { isPattern, matchesPattern } from "../../core/filter/pattern.ts";
import type { EndpointTenure } from "../../core/records/endpoint.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { endpointShape } from "../formats/endpoint-shape.ts";
import { momentParser } from "../moment.ts";
import { printAll } from "../print-all.ts";
import { addStoreOptions, type RecordOptions } from "../record-options.ts";
import { type Rim, realRim } from "../rim.ts";

const examples = `
Examples:
  sluice endpoints                                        who has which address now
  sluice endpoints --ip 10.1.0.7 --since 7d               who had it in the last week
  sluice endpoints --pod shop/cart --at 2026-11-23T10:00
${exitCodeHelp}`;

interface Options extends RecordOptions {
  readonly since?: number;
  readonly until?: number;
  readonly at?: number;
  readonly ip?: string;
  readonly pod?: string;
  readonly namespace?: string;
  readonly node?: string;
}

export function endpointsCommand(rim: Rim = realRim): Command {
  const moment = momentParser(rim.clock);
  const command = new Command("endpoints")
    .description("who had which address when")
    .addOption(new Option("--at <time>", "who had it then").argParser(moment).conflicts(["since", "until"]))
    .option("--since <time>", "who had it at any time from then on: 5m (ago), now-1h, 2026-11-23T10:00 (UTC)", moment)
    .option("--until <time>", "up to then", moment)
    .option("--ip <address>", "of this address or CIDR")
    .option("--pod <[ns/]name>", "of this pod (its suffix may be left out; * and ?)")
    .option("-n, --namespace <name>", "of pods in this namespace")
    .addOption(new Option("--node <name>", "of pods on this node, and its own"))
    .addHelpText("after", examples);
  return addStoreOptions(command).action(async (options: Options) => {
    const wanted = wantedBy(options);
    const span = spanOf(options, Math.floor(rim.clock.now()) * 1000);
    await printAll(
      options,
      rim,
      endpointShape,
      async (store) => {
        const tenures = await store.endpoints(span);
        return tenures.filter((tenure) => touches(tenure, span) && wanted(tenure)).sort(byAddressAndTime);
      },
      "nobody had such an address in this time",
    );
  });
}

interface Span {
  readonly since: number;
  readonly until: number;
}

/** A moment is a span of a microsecond. */
function spanOf({ since, until, at }: Options, now: number): Span {
  const moment = at ?? (since === undefined && until === undefined ? now : undefined);
  return moment === undefined ? { since: since ?? 0, until: until ?? now + 1 } : { since: moment, until: moment + 1 };
}

const touches = ({ start, end }: EndpointTenure, { since, until }: Span) =>
  start < until && (end === null || end > since);

function wantedBy({ ip, pod, namespace, node }: Options): (tenure: EndpointTenure) => boolean {
  const cidr = ip === undefined ? undefined : parseCidr(ip);
  return (tenure) =>
    (cidr === undefined || cidrContains(cidr, tenure.address as Address)) &&
    (pod === undefined || isNamed(tenure, pod)) &&
    (namespace === undefined || tenure.namespace === namespace) &&
    (node === undefined || tenure.node === node || (tenure.kind === "node" && tenure.name === node));
}

function isNamed(tenure: EndpointTenure, text: string): boolean {
  const slash = text.indexOf("/");
  const name = text.slice(slash + 1);
  if (tenure.kind !== "pod" || (slash > 0 && tenure.namespace !== text.slice(0, slash))) return false;
  if (isPattern(name)) return matchesPattern(name, tenure.name);
  return name === "" || tenure.name === name || tenure.name.startsWith(`${name}-`);
}

function byAddressAndTime(a: EndpointTenure, b: EndpointTenure): number {
  return compareAddresses(a.address, b.address) || a.start - b.start;
}
