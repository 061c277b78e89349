import fc from "fast-check";
import { type Address, formatAddress } from "../../../core/address.ts";
import type { ChangeRecord } from "../../../core/records/change.ts";
import type { DnsRecord } from "../../../core/records/dns.ts";
import { endReasons, type Flow, type FlowEndpoint } from "../../../core/records/flow.ts";
import type { Heartbeat } from "../../../core/records/heartbeat.ts";
import type { Loss } from "../../../core/records/loss.ts";
import { type RuleId, ruleIdOf } from "../../../core/rule-id.ts";

// Any record that a schema allows.

const address: fc.Arbitrary<Address> = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => formatAddress(4, value)),
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => formatAddress(6, value)),
);
const ruleId: fc.Arbitrary<RuleId> = fc.uint8Array({ minLength: 8, maxLength: 8 }).map(ruleIdOf);
const text = fc.string({ unit: "grapheme", maxLength: 20 });
/** Avro's long, as far as avsc reads it exactly: zigzag doubles a number, and an odd one above 2^53 is none. */
const long = fc.integer({ min: -(2 ** 52), max: Number.MAX_SAFE_INTEGER - 1 });
const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const port = fc.nat(65_535);
const orNull = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null });
const plain = { noNullPrototype: true } as const;

const endpoint: fc.Arbitrary<FlowEndpoint> = fc.record(
  {
    kind: fc.constantFrom("unknown", "pod", "node", "network"),
    namespace: orNull(text),
    name: orNull(text),
    uid: orNull(text),
    workloadKind: orNull(text),
    workload: orNull(text),
    node: orNull(text),
    labels: fc.dictionary(text, text, { noNullPrototype: true, maxKeys: 5 }),
  },
  plain,
);

export const flows: fc.Arbitrary<Flow> = fc.record(
  {
    cluster: text,
    node: text,
    epoch: long,
    seq: long,
    start: long,
    end: long,
    startedAt: long,
    state: fc.constantFrom("open", "closed", "denied"),
    connection: orNull(long),
    zone: int,
    protocol: fc.nat(255),
    sourceAddress: address,
    sourcePort: port,
    destinationAddress: address,
    destinationPort: port,
    icmp: orNull(fc.record({ type: int, code: int, id: int }, plain)),
    nat: orNull(
      fc.record(
        { destinationAddress: address, destinationPort: port, sourceAddress: address, sourcePort: port },
        plain,
      ),
    ),
    packets: long,
    bytes: long,
    replyPackets: long,
    replyBytes: long,
    totalPackets: long,
    totalBytes: long,
    totalReplyPackets: long,
    totalReplyBytes: long,
    replied: fc.boolean(),
    endReason: orNull(fc.constantFrom(...endReasons)),
    midstream: fc.boolean(),
    uncounted: fc.boolean(),
    mark: fc.nat(0xffff_ffff),
    uid: orNull(fc.nat(0xffff_ffff)),
    gid: orNull(fc.nat(0xffff_ffff)),
    related: orNull(
      fc.record(
        {
          protocol: fc.nat(255),
          sourceAddress: address,
          sourcePort: port,
          destinationAddress: address,
          destinationPort: port,
        },
        plain,
      ),
    ),
    denied: orNull(fc.constantFrom("egress", "ingress")),
    reason: orNull(text),
    egressRule: orNull(ruleId),
    ingressRule: orNull(ruleId),
    inInterface: orNull(text),
    outInterface: orNull(text),
    destinationDomain: orNull(text),
    reporter: fc.constantFrom("unknown", "src", "dst", "fwd"),
    authoritative: fc.boolean(),
    action: fc.constantFrom("unknown", "allow", "deny"),
    mode: fc.constantFrom("observed", "enforced"),
    verdictSource: fc.constantFrom("unknown", "evaluated", "kernel"),
    programRevision: orNull(text),
    enforced: fc.array(text, { maxLength: 5 }),
    pending: fc.array(text, { maxLength: 5 }),
    source: orNull(endpoint),
    destination: orNull(endpoint),
    service: orNull(fc.record({ namespace: text, name: text, port: orNull(text) }, plain)),
  },
  plain,
);

export const dnsRecords: fc.Arbitrary<DnsRecord> = fc.record(
  {
    cluster: text,
    node: text,
    epoch: long,
    seq: long,
    start: long,
    end: long,
    protocol: fc.nat(255),
    clientAddress: address,
    clientPort: port,
    serverAddress: address,
    serverPort: port,
    name: text,
    queryType: text,
    queryClass: text,
    rcode: orNull(text),
    truncated: fc.boolean(),
    answerCount: port,
    answers: fc.array(fc.record({ name: text, type: text, ttl: fc.nat(2 ** 31 - 1), data: text }, plain), {
      maxLength: 3,
    }),
    latency: orNull(long),
    authoritative: fc.boolean(),
    client: orNull(endpoint),
    server: orNull(endpoint),
  },
  plain,
);

const texts = fc.array(text, { maxLength: 3 });

/** One of which nothing is known is none. */
const request = fc
  .record(
    {
      groups: texts,
      sourceAddress: orNull(text),
      userAgent: orNull(text),
      impersonatedBy: orNull(text),
      fieldManager: orNull(text),
      auditId: orNull(text),
    },
    plain,
  )
  .filter(({ groups, ...others }) => groups.length > 0 || Object.values(others).some((value) => value !== null));

const reachEnd = fc.record(
  { words: text, pods: texts, nodes: texts, hosts: texts, networks: texts, allNetworksBut: fc.boolean() },
  plain,
);

const control = fc.record(
  {
    verb: fc.constantFrom("unknown", "create", "update", "delete"),
    refused: fc.boolean(),
    foundAtStart: fc.boolean(),
    subject: text,
    apiVersion: text,
    kind: text,
    namespace: orNull(text),
    name: text,
    uid: orNull(text),
    resourceVersionBefore: orNull(text),
    resourceVersionAfter: orNull(text),
    before: orNull(text),
    after: orNull(text),
    diff: fc.array(fc.record({ path: text, before: orNull(text), after: orNull(text) }, plain), { maxLength: 3 }),
    effect: fc.array(
      fc.record(
        {
          kind: fc.constantFrom("unknown", "opens", "closes"),
          from: reachEnd,
          to: reachEnd,
          family: orNull(fc.constantFrom(4, 6)),
          connections: text,
        },
        plain,
      ),
      { maxLength: 2 },
    ),
    effectState: fc.constantFrom("unknown", "exact", "none", "skipped"),
    moreOpens: long,
    moreCloses: long,
    effectWords: text,
    programBefore: orNull(text),
    programAfter: orNull(text),
    authorised: fc.constantFrom("unknown", "yes", "no"),
    reasons: texts,
    notes: texts,
  },
  plain,
);

export const changes: fc.Arbitrary<ChangeRecord> = fc.record(
  {
    id: text,
    cluster: text,
    node: orNull(text),
    kind: fc.constantFrom("unknown", "tamper", "rollout", "retention", "control"),
    start: long,
    foundAt: long,
    end: orNull(long),
    actor: orNull(
      fc.record(
        {
          pid: orNull(long),
          program: text,
          commandLine: orNull(text),
          uid: orNull(long),
          user: orNull(text),
          login: orNull(text),
          container: orNull(text),
          ancestors: fc.array(text, { maxLength: 5 }),
        },
        plain,
      ),
    ),
    object: text,
    summary: text,
    diff: fc.array(text, { maxLength: 5 }),
    outcome: fc.constantFrom("unknown", "repaired", "unrepaired"),
    outcomeDetail: text,
    request: orNull(request),
    control: orNull(control),
  },
  plain,
);

export const losses: fc.Arbitrary<Loss> = fc.record(
  {
    cluster: text,
    node: text,
    epoch: long,
    seq: long,
    source: fc.constantFrom("conntrack", "nflog", "decode", "queue", "limit", "dns"),
    count: orNull(long),
    start: long,
    end: long,
    detail: text,
  },
  plain,
);

export const heartbeats: fc.Arbitrary<Heartbeat> = fc.record(
  {
    ...{ cluster: text, node: text, epoch: long, seq: long, start: long, end: long },
    ...{ flows: long, losses: long, conntrackEvents: long, loggedPackets: long, decodeFailures: long },
    ...{ overruns: long, dropped: long, connections: long, connectionsMax: long, eventDrops: long, logDrops: long },
    ...{ tableDrops: long, earlyDrops: long, insertFailures: long, searchRestarts: long, clashes: long },
  },
  plain,
);
