import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAddress } from "../../../core/address.ts";
import type { EndpointTenure } from "../../../core/records/endpoint.ts";
import type { Heartbeat } from "../../../core/records/heartbeat.ts";
import type { ProgramRecord } from "../../../core/records/program.ts";
import { ruleIdOf } from "../../../core/rule-id.ts";
import type { Archive } from "../../../sinks/archive/archive.ts";
import { ArchiveStore } from "../../../sinks/archive/archive-store.ts";
import { change } from "../../support/changes.ts";
import { flow, loss, seconds } from "../../support/flows.ts";
import { flowStoreContract } from "../flow-store.contract.ts";
import { archiveIn, everything, never, store, withFolder } from "./folder.ts";

const { since, until } = everything;

const flows = [0, 1, 2, 3].map((seq) => flow({ seq, start: seconds(seq % 3) }));

describe("ArchiveStore", function () {
  this.timeout(20_000);

  // Some of the flows in files, the others still in memory.
  flowStoreContract(async (held) => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-archive-"));
    const archive = archiveIn(folder);
    await archive.open();
    const [filed, waiting] = [held.slice(0, held.length / 2), held.slice(held.length / 2)];
    await store(archive, [...filed, ...filed]);
    const rest = archive.sink("flow").write([...waiting, ...waiting], never);
    return {
      store: new ArchiveStore({ folder, memoryMb: 256, archive }),
      close: async () => {
        await Promise.all([archive.close(), rest]);
        await rm(folder, { recursive: true, force: true });
      },
    };
  });

  it("tells which numbers the records of a span have, whatever they are records of", () =>
    withStore(async (reader, archive) => {
      const others = [
        loss({ node: "node-1", epoch: flows[0]?.epoch ?? 0, seq: 4 }),
        loss({ node: "node-1", epoch: flows[0]?.epoch ?? 0, seq: 6 }),
      ];
      const written = archive.sink("loss").write(others, never);
      const runs = (await reader.sequences({ since, until })).map(
        ({ node, first, last }) => `${node} ${first}-${last}`,
      );
      assert.deepEqual(runs, ["node-1 0-4", "node-1 6-6"]);
      const second = await reader.sequences({ since: seconds(1), until: seconds(2) });
      assert.deepEqual(
        second.map(({ first, last }) => [first, last]),
        [[1, 1]],
      );
      await Promise.all([archive.flush(), written]);
    }));

  it("gives heartbeats, endpoints as told last, and programs back", () =>
    withStore(async (reader, archive) => {
      const heartbeat: Heartbeat = {
        ...{ cluster: "c", node: "n", epoch: 1, seq: 9, start: seconds(0), end: seconds(10), flows: 1, losses: 2 },
        ...{
          conntrackEvents: 3,
          loggedPackets: 4,
          decodeFailures: 5,
          overruns: 6,
          dropped: 7,
          connections: 8,
          connectionsMax: 9,
          ...{ eventDrops: 10, logDrops: 11, tableDrops: 12, earlyDrops: 13 },
          ...{ insertFailures: 14, searchRestarts: 15, clashes: 16 },
        },
      };
      const tenure = tenureOf({});
      const ended = { ...tenure, end: seconds(100), toldAt: seconds(100) };
      const rule = { id: ruleIdOf(Buffer.alloc(8, 7)), tier: "app", kind: "np", namespace: "a", name: "p", rule: 0 };
      const program: ProgramRecord = {
        ...{ cluster: "c", revision: "r", start: seconds(0), text: '{"a":"é\\n"}' },
        rules: [{ ...rule, direction: "egress", action: "pass" }],
      };
      const writing = [
        archive.sink("heartbeat").write([heartbeat], never),
        archive.sink("endpoint").write([tenure, ended], never),
        archive.sink("program").write([program, program], never),
      ];
      await Promise.all([...writing, archive.flush()]);
      assert.deepEqual(await reader.heartbeats({ since, until }), [heartbeat]);
      assert.deepEqual(await reader.endpoints({ since: seconds(50), until }), [ended]);
      assert.deepEqual(await reader.endpoints({ since: seconds(100), until }), []);
      assert.deepEqual(await reader.programs(), [program]);
    }));

  it("gives changes back, each once, by when they began", () =>
    withStore(async (reader, archive) => {
      const first = change({ id: "a", actor: null, end: null, outcome: "unrepaired", diff: [] });
      const second = change({ id: "b", start: seconds(5), summary: "replaced 1 rule of chain é" });
      const late = change({ id: "c", start: seconds(50) });
      const sink = archive.sink("change");
      await Promise.all([sink.write([second, late, first], never), archive.flush()]);
      await Promise.all([sink.write([first], never), archive.flush()]);
      assert.deepEqual(await reader.changes({ since, until: seconds(50) }), [first, second]);
    }));

  // Told in hour 0, and again in hours 24 and 48; "late" from hour 30 to hour 50, when watching ended.
  for (const { at, held } of [
    { at: 0.5, held: ["early"] },
    { at: 23, held: ["early"] },
    { at: 31, held: ["early", "late"] },
    { at: 47, held: ["early", "late"] },
    { at: 49, held: ["early", "late"] },
    { at: 500, held: ["early"] },
  ])
    it(`who had an address in hour ${at} is told by the day before`, () =>
      withStore(async (reader, archive) => {
        const hour = (h: number) => seconds(h * 3_600);
        const early = tenureOf({ name: "early", start: hour(0), toldAt: hour(0) });
        const late = tenureOf({ name: "late", start: hour(30), toldAt: hour(30) });
        const told = [
          ...[early, { ...early, toldAt: hour(24) }, { ...early, toldAt: hour(48) }],
          ...[late, { ...late, end: hour(50), toldAt: hour(50) }],
        ];
        await Promise.all([archive.sink("endpoint").write(told, never), archive.flush()]);
        const found = await reader.endpoints({ since: hour(at), until: hour(at) + 1 });
        assert.deepEqual(
          found.map(({ name }) => name),
          held,
        );
      }));
});

function tenureOf(parts: Partial<EndpointTenure>): EndpointTenure {
  return {
    ...{ cluster: "c", address: parseAddress("fd00::1"), kind: "pod", namespace: "a", name: "b", uid: null, node: "n" },
    ...{ workloadKind: null, workload: null, labels: { x: "y" }, start: seconds(0), end: null, toldAt: seconds(1) },
    ...parts,
  };
}

function withStore(work: (reader: ArchiveStore, archive: Archive) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const archive = archiveIn(folder);
    await archive.open();
    await store(archive, flows);
    await work(new ArchiveStore({ folder, memoryMb: 256, archive }), archive);
    await archive.close();
  });
}
