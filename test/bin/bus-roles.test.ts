import assert from "node:assert/strict";
import { aclsOf, type RoleName, roleNames, roles } from "../../bin/bus/roles.ts";
import { type TopicKind, topicKinds, topicName, topicPlans } from "../../bin/bus/topics.ts";
import { applyAcls } from "../../core/bus-kafka/acls.ts";
import { explained, isFinal } from "../../core/bus-kafka/advice.ts";
import { kafkaBus } from "../../core/bus-kafka/kafka-bus.ts";
import { groupLags } from "../../core/bus-kafka/lag.ts";
import { ensureTopics, topicStates } from "../../core/bus-kafka/topics.ts";
import { systemClock } from "../../core/clock.ts";
import { parseConfig } from "../../core/config.ts";
import { silentLog } from "../../core/log.ts";
import { needsServices } from "../support/needs-services.ts";
import { SecuredKafka } from "../support/secured-kafka.ts";

const config = parseConfig({ flags: { "bus.prefix": "acme", "bus.partitions": "1", "bus.replicas": "1" } });
const kinds = Object.keys(topicKinds) as readonly TopicKind[];
const sortedKinds = (some: readonly TopicKind[]) => kinds.filter((kind) => some.includes(kind));

describe("bin/bus/roles, on a broker that denies what no rule allows", function () {
  this.timeout(120_000); // a real broker, on a machine that may be busy
  needsServices("kafka");
  const broker = new SecuredKafka("roles");

  before(async function () {
    this.timeout(180_000);
    await broker.up([...roleNames, "stranger"], []);
    await ensureTopics(broker.plain(), topicPlans(config), silentLog);
    for (const role of roleNames) await applyAcls(broker.plain(), `User:${role}`, aclsOf(config, role), silentLog);
    const bus = kafkaBus({ connection: broker.plain(), clock: systemClock, log: silentLog });
    // Something to read is in every topic.
    for (const kind of kinds)
      await bus.publisher(topicName(config, kind)).write([{ key: "a", value: Uint8Array.of(1) }], forever);
    await bus.close();
  });
  after(() => broker.remove());

  const busOf = (name: string) =>
    kafkaBus({
      connection: broker.byPassword(name, "scram-sha-256"),
      clock: systemClock,
      log: silentLog,
      sessionMs: 6_000,
      fetchWaitMs: 50,
    });
  const forever = new AbortController().signal;

  /** Undefined if it is stored, else the error's text. */
  async function refusalToWrite(name: string, kind: TopicKind): Promise<string | undefined> {
    const bus = busOf(name);
    const message = { key: "a", value: Uint8Array.of(1) };
    try {
      await bus.publisher(topicName(config, kind)).write([message], forever);
      return undefined;
    } catch (thrown) {
      return String(thrown);
    } finally {
      await bus.close();
    }
  }

  /** Undefined if something comes, else the error's text. */
  async function refusalToRead(name: string, kind: TopicKind, group: string): Promise<string | undefined> {
    const bus = busOf(name);
    try {
      for await (const delivery of bus.subscription(topicName(config, kind), group).open(forever)) {
        await delivery.ack();
        return undefined;
      }
      return "ended";
    } catch (thrown) {
      return String(thrown);
    } finally {
      await bus.close();
    }
  }

  /** Something to read is in every topic, also for a group that another role has read in. */
  async function fill(): Promise<void> {
    const bus = kafkaBus({ connection: broker.plain(), clock: systemClock, log: silentLog });
    for (const kind of kinds)
      await bus.publisher(topicName(config, kind)).write([{ key: "a", value: Uint8Array.of(1) }], forever);
    await bus.close();
  }

  for (const role of roleNames)
    it(`lets the ${role} write ${roles[role].writes.join(", ") || "nothing"}`, async () => {
      const written: TopicKind[] = [];
      for (const kind of kinds) {
        const refusal = await refusalToWrite(role, kind);
        if (refusal === undefined) written.push(kind);
        else assert.match(refusal, new RegExp(`the right Write on the topic acme\\.${kind} is missing`));
      }
      assert.deepEqual(written, sortedKinds(roles[role].writes));
    });

  const readers = roleNames.filter((role) => roles[role].reads.length > 0);
  for (const role of readers)
    it(`lets the ${role} read ${roles[role].reads.join(", ")}, in its groups`, async () => {
      await fill();
      const [group, ...others] = roles[role].groups.map((name) => `acme.${name}`) as [string, ...string[]];
      const outcomes = await Promise.all(
        kinds.map(async (kind) => [kind, await refusalToRead(role, kind, group)] as const),
      );
      const read = outcomes.flatMap(([kind, refusal]) => (refusal === undefined ? [kind] : []));
      assert.deepEqual(read, sortedKinds(roles[role].reads));
      const first = roles[role].reads[0] as TopicKind;
      for (const other of others) assert.equal(await refusalToRead(role, first, other), undefined);
      const refusal = (await refusalToRead(role, first, "acme.elsewhere")) ?? "";
      assert.match(refusal, /the right Read on the group acme\.elsewhere\.acme\.\S+ (is|may be) missing/);
    });

  /** Undefined if it is stored, else the error's text. */
  async function refusalToTransact(name: string, id: string): Promise<string | undefined> {
    const bus = busOf(name);
    const fenced = bus.fenced(topicName(config, "flows"), 0, id);
    try {
      await fenced.write([{ key: "a", value: Uint8Array.of(1) }]);
      return undefined;
    } catch (thrown) {
      return String(thrown);
    } finally {
      await fenced.close();
      await bus.close();
    }
  }

  for (const name of ["enricher", "up"] as const)
    it(`lets the ${name} write in transactions of its name, and in no other`, async () => {
      assert.equal(await refusalToTransact(name, "acme.enrich.flows.0"), undefined);
      const refusal = (await refusalToTransact(name, "acme.elsewhere.flows.0")) ?? "";
      assert.match(refusal, /the right Write on the transactional id acme\.elsewhere\.flows\.0 (is|may be) missing/);
    });

  it("lets nobody else write as an enricher does", async () => {
    for (const name of ["collector", "archive"]) {
      const refusal = (await refusalToTransact(name, "acme.enrich.flows.0")) ?? "";
      assert.match(refusal, /the right Write on the transactional id acme\.enrich\.flows\.0 (is|may be) missing/);
    }
  });

  /** Undefined if something is read, else the error's text. */
  async function refusalToLook(name: string, kind: TopicKind): Promise<string | undefined> {
    const bus = busOf(name);
    const topic = topicName(config, kind);
    const reader = bus.reader([topic], "acme.reader");
    try {
      const [extent] = (await reader.extents(topic)).values();
      const read = await reader.read(topic, 0, { from: 0n, to: 1n }, AbortSignal.timeout(30_000));
      assert.equal(read.length, 1, `${extent?.from} to ${extent?.to}`);
      return undefined;
    } catch (thrown) {
      return String(thrown);
    } finally {
      await reader.close();
      await bus.close();
    }
  }

  for (const [name, kind] of [
    ["enricher", "flows"],
    ["enricher", "endpoints"],
    ["watcher", "programs"],
    ["undertaker", "dead"],
    ["up", "dns"],
  ] as const)
    it(`lets the ${name} look at what ${kind} keeps`, async () => {
      assert.equal(await refusalToLook(name, kind), undefined);
    });

  it("says which right to look is missing, and does not wait for it", async () => {
    assert.match((await refusalToLook("watcher", "flows")) ?? "", /the right Read on the topic acme\.flows is missing/);
    assert.match(
      (await refusalToLook("archive", "flows")) ?? "",
      /the right Read on the group acme\.reader\.\S+ (is|may be)/,
    );
  });

  const strangers: readonly (readonly [string, TopicKind])[] = [
    ["collector", "flows.raw"],
    ["watcher", "endpoints"],
    ["admin", "flows"],
    ["stranger", "flows"],
  ];
  for (const [name, kind] of strangers)
    it(`lets the ${name} not read ${kind}`, async () => {
      assert.match((await refusalToRead(name, kind, "acme.enrich")) ?? "", /the right Read on the (topic|group) acme/);
    });

  it("lets the admin make topics and change them, and give rights", async () => {
    const admin = broker.byPassword("admin", "scram-sha-512");
    const more = topicPlans({ ...config, bus: { ...config.bus, partitions: 2, retentionMs: 60_000 } });
    const changes = await ensureTopics(admin, more, silentLog);
    assert.ok(changes.some(({ topic, what }) => topic === "acme.flows" && what === "partitions: 1 -> 2"));
    assert.ok(changes.some(({ topic, what }) => topic === "acme.dead" && what === "retention.ms: 259200000 -> 60000"));
    assert.deepEqual(await ensureTopics(admin, more, silentLog), []);
    await applyAcls(admin, "User:somebody", aclsOf(config, "watcher"), silentLog);
  });

  it("lets nobody else make topics, or see them without a right", async () => {
    const others: readonly (RoleName | "stranger")[] = ["collector", "archive", "stranger"];
    for (const name of others) {
      const plan = { name: "acme.own", partitions: 1, replicas: 1, settings: {} };
      const refusal: unknown = await ensureTopics(broker.byPassword(name, "plain"), [plan], silentLog).catch(
        (cause: unknown) => cause,
      );
      assert.match(explained(refusal), /authoriz.*a right on a topic is missing/i);
      assert.equal(isFinal(refusal), true);
    }
    const [state] = await topicStates(broker.byPassword("stranger", "plain"), topicPlans(config), silentLog);
    assert.equal(state?.now, undefined);
  });

  it("lets the reader ask how topics are, and how far groups are behind", async () => {
    const bus = kafkaBus({ connection: broker.plain(), clock: systemClock, log: silentLog });
    const topic = topicName(config, "changes");
    await bus.publisher(topic).write([{ key: "a", value: Uint8Array.of(2) }], forever);
    await bus.close();
    const names = { groupPrefix: "acme.", topics: [topic] };
    const lags = await groupLags(broker.byPassword("reader", "scram-sha-256"), names, systemClock, silentLog);
    const seen = await topicStates(broker.byPassword("reader", "scram-sha-256"), topicPlans(config), silentLog);
    assert.ok(seen.every(({ now }) => now?.settings["retention.ms"] !== undefined));
    const archive = lags.find(({ group }) => group === "acme.archive.acme.changes");
    assert.ok((archive?.messages ?? 0) >= 1);
    assert.ok((archive?.seconds ?? -1) >= 0 && (archive?.seconds ?? 1e9) < 120);
  });
});
