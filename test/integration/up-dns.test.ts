import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { DnsRecord } from "../../core/records/dns.ts";
import type { Flow } from "../../core/records/flow.ts";
import { sluice } from "../bin/command.ts";
import { RouterLab } from "../collectors/router-lab.ts";
import { needsKernel } from "../support/needs-kernel.ts";
import { until } from "../support/until.ts";
import { world } from "../support/world.ts";

// From the packets of a name's lookup to what `sluice dns` and `sluice flows` tell of it, with the enforcer's rules in between.

const names = new URL("../collectors/dns/names-served.ts", import.meta.url).href;
const objects = world()
  .namespace("lab")
  .node("router", "10.99.1.1")
  .pod("lab/client", { app: "client" }, { node: "router", ips: ["10.99.1.2"] })
  .pod("lab/server", { app: "server" }, { node: "router", ips: ["10.99.2.2"] })
  .tier("app", 100)
  .policy("lab/app.all", { tier: "app", selector: "all()", ingress: [{ action: "Allow" }] }).objects;

describe("sluice up that records DNS", function () {
  this.timeout(60_000);
  needsKernel("nft");
  const lab = new RouterLab();
  let folder = "";

  before(async () => {
    lab.up();
    folder = mkdtempSync(join(tmpdir(), "sluice-up-dns-"));
    writeFileSync(join(folder, "all.yaml"), objects.map((object) => stringify(object)).join("---\n"));
    const places = JSON.stringify([["10.99.2.2", 53]]);
    await lab.serveWith("b", `import(${JSON.stringify(names)}).then(({ serve }) => serve(...${places}))`);
    await lab.serve("b", "serve", "10.99.2.2", 80, 100);
    // As CNIs do, and as the enforcer finds out whose interface it is.
    for (const [side, address] of [
      ["to-a", "10.99.1.2"],
      ["to-b", "10.99.2.2"],
    ])
      lab.run("router", ["ip", "route", "add", `${address}/32`, "dev", String(side)]);
  });
  after(() => {
    lab.down();
    rmSync(folder, { recursive: true, force: true });
  });

  const data = () => ["--data-folder", join(folder, "data")];

  async function told<T>(...args: readonly string[]): Promise<readonly T[]> {
    const { printed, ended } = sluice(...args, "-o", "jsonl", ...data());
    assert.equal(await ended, 0, printed.err);
    return printed.out
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as T);
  }

  it("tells who asked for what, and connections by the names that were asked for", async () => {
    const run = sluice(
      ...["up", "--objects.folder", folder, "--data.folder", join(folder, "data"), "--seat", `router=${lab.router}`],
      ...["-o", "jsonl", "--metrics.listen", "off", "--enforcer.pod-interface-prefixes", "to-"],
      ...["--collector.window-ms", "500", "--dns.enabled", "true"],
    );
    try {
      await until("it to be ready", () => run.printed.err.includes('"msg":"ready"'), 30_000);
      const asked = JSON.stringify({ server: "10.99.2.2", name: "api.example.com", type: 1 });
      lab.run("a", [process.execPath, "-e", `import(${JSON.stringify(names)}).then(({ ask }) => ask(${asked}))`]);
      await lab.traffic("a", "tcp", "10.99.2.2", 80, 10, 0);
      await until("the flow", () => run.printed.out.includes('"destinationDomain":"api.example.com"'), 15_000);
    } finally {
      run.process.kill("SIGTERM");
    }
    assert.equal(await run.ended, 0, run.printed.err);
    const [record, ...more] = await told<DnsRecord>("dns", "--client", "lab/client");
    assert.deepEqual(more, []);
    assert.deepEqual(
      [record?.name, record?.rcode, record?.client?.name, record?.server?.name, record?.authoritative],
      ["api.example.com", "NOERROR", "client", "server", true],
    );
    const flows = await told<Flow>("flows", "--all", "--filter", "domain = api.example.com");
    assert.deepEqual(
      [...new Set(flows.map(({ destinationPort, verdictSource }) => `${destinationPort} ${verdictSource}`))],
      ["80 kernel"],
    );
    assert.deepEqual(await told("flows", "--all", "--filter", "dst.domain = other.example.com"), []);
    const { printed, ended } = sluice("completeness", "--since", "10m", ...data());
    assert.equal(await ended, 0, printed.out);
  });
});
