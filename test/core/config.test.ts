import assert from "node:assert/strict";
import { parseConfig, printConfig, settings } from "../../core/config.ts";
import type { ConfigSources } from "../../core/config-sources.ts";
import { SluiceError } from "../../core/errors.ts";

/** The faults in the message, without the heading. */
function faults(sources: ConfigSources): readonly string[] {
  try {
    parseConfig({ fileName: "sluice.yaml", ...sources });
  } catch (thrown) {
    assert.ok(thrown instanceof SluiceError && thrown.code === "CONFIG_INVALID", String(thrown));
    return thrown.message
      .split("\n")
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

describe("core/config", () => {
  it("has a default for everything", () => {
    const config = parseConfig({});
    assert.equal(config.collector.windowMs, 15_000);
    assert.equal(config.enforcer.mode, "enforce");
    assert.deepEqual(config.enforcer.podInterfacePrefixes, ["slp", "cali"]);
  });

  for (const { title, sources, windowMs } of [
    { title: "the default", sources: {}, windowMs: 15_000 },
    { title: "the file before the default", sources: { fileText: "collector: {windowMs: 1000}" }, windowMs: 1_000 },
    {
      title: "a variable before the file",
      sources: { fileText: "collector: {windowMs: 1000}", env: { SLUICE_COLLECTOR_WINDOW_MS: "2000" } },
      windowMs: 2_000,
    },
    {
      title: "a flag before a variable",
      sources: { env: { SLUICE_COLLECTOR_WINDOW_MS: "2000" }, flags: { "collector.window-ms": "3000" } },
      windowMs: 3_000,
    },
    {
      title: "the file before a command's own default",
      sources: { fileText: "collector: {windowMs: 1000}", defaults: { "collector.windowMs": 2_000 } },
      windowMs: 1_000,
    },
    { title: "a command's own default", sources: { defaults: { "collector.windowMs": 2_000 } }, windowMs: 2_000 },
    { title: "a flag in camel case", sources: { flags: { "collector.windowMs": "3000" } }, windowMs: 3_000 },
    { title: "an empty file as no file", sources: { fileText: "# nothing\n" }, windowMs: 15_000 },
    { title: "an empty section as none", sources: { fileText: "collector:\n" }, windowMs: 15_000 },
  ])
    it(`takes ${title}`, () => assert.equal(parseConfig(sources).collector.windowMs, windowMs));

  for (const [key, mode] of [
    ["observedNamespaces", "enforce"],
    ["enforcedNamespaces", "observe"],
  ] as const) {
    it(`takes ${key} in mode ${mode} only`, () => {
      const text = (other: string) => `enforcer: {mode: ${other}, ${key}: [shop]}`;
      assert.deepEqual(parseConfig({ fileText: text(mode) }).enforcer[key], ["shop"]);
      const other = mode === "enforce" ? "observe" : "enforce";
      const fault = `sluice.yaml: enforcer.${key}: must be empty unless enforcer.mode is ${mode}`;
      assert.deepEqual(faults({ fileText: text(other) }), [fault]);
    });
  }

  it("reads lists with commas from flags and variables", () => {
    const config = parseConfig({ env: { SLUICE_ENFORCER_POD_INTERFACE_PREFIXES: "veth, cali" } });
    assert.deepEqual(config.enforcer.podInterfacePrefixes, ["veth", "cali"]);
  });

  it("leaves the rest of a section alone when a flag sets one of its keys", () => {
    const config = parseConfig({ fileText: "collector: {nflogGroup: 9}", flags: { "collector.window-ms": "1000" } });
    assert.deepEqual([config.collector.nflogGroup, config.collector.windowMs], [9, 1_000]);
  });

  it("reads text that looks like a number as text where text is wanted", () => {
    assert.equal(parseConfig({ env: { SLUICE_NODE_NAME: "17" } }).node.name, "17");
  });

  it("ignores the rest of the environment, and the variable that names the file", () => {
    assert.deepEqual(faults({ env: { PATH: "/bin", SLUICE_CONFIG: "sluice.yaml", SLUICED: "1" } }), []);
  });

  for (const { title, sources, expected } of [
    {
      title: "a misspelt flag",
      sources: { flags: { "collector.windw-ms": "1" } },
      expected: ["--collector.windw-ms: there is no such setting; did you mean --collector.window-ms?"],
    },
    {
      title: "a misspelt variable",
      sources: { env: { SLUICE_COLLECTOR_WINDOWMS: "1" } },
      expected: ["SLUICE_COLLECTOR_WINDOWMS: there is no such setting; did you mean SLUICE_COLLECTOR_WINDOW_MS?"],
    },
    {
      title: "a misspelt inner key of the file",
      sources: { fileText: "collector: {windowMS: 1}" },
      expected: ["sluice.yaml: collector.windowMS: there is no such setting; did you mean collector.windowMs?"],
    },
    {
      title: "a misspelt section of the file",
      sources: { fileText: "colector: {windowMs: 1}" },
      expected: ["sluice.yaml: colector: there is no such setting; did you mean collector?"],
    },
    {
      title: "a name that resembles nothing, without a guess",
      sources: { env: { SLUICE_QQQQQQQQQQQQ: "1" } },
      expected: ["SLUICE_QQQQQQQQQQQQ: there is no such setting"],
    },
    {
      title: "a number that is none, by flag",
      sources: { flags: { "collector.window-ms": "15s" } },
      expected: ['--collector.window-ms: must be a number from 100 to 3600000, not "15s"'],
    },
    {
      title: "a number out of its range, by variable",
      sources: { env: { SLUICE_COLLECTOR_NFLOG_GROUP: "0" } },
      expected: ["SLUICE_COLLECTOR_NFLOG_GROUP: must be a number from 1 to 65535, not 0"],
    },
    {
      title: "a fraction",
      sources: { env: { SLUICE_COLLECTOR_NFLOG_GROUP: "1.5" } },
      expected: ["SLUICE_COLLECTOR_NFLOG_GROUP: must be a number from 1 to 65535, not 1.5"],
    },
    {
      title: "an empty variable",
      sources: { env: { SLUICE_COLLECTOR_NFLOG_GROUP: "" } },
      expected: ['SLUICE_COLLECTOR_NFLOG_GROUP: must be a number from 1 to 65535, not ""'],
    },
    {
      title: "a number in quotes in the file",
      sources: { fileText: 'collector: {nflogGroup: "5"}' },
      expected: ['sluice.yaml: collector.nflogGroup: must be a number from 1 to 65535, not "5"'],
    },
    {
      title: "a word that is not among the choices",
      sources: { flags: { "enforcer.mode": "block" } },
      expected: ['--enforcer.mode: must be one of observe, enforce, not "block"'],
    },
    {
      title: "a flag without a value",
      sources: { flags: { "enforcer.mode": true } },
      expected: ["--enforcer.mode: must be one of observe, enforce, not true"],
    },
    {
      title: "text of the wrong form",
      sources: { env: { SLUICE_CLUSTER_NAME: "My Cluster" } },
      expected: ["SLUICE_CLUSTER_NAME: must be lower-case letters, digits, `-` and `.`"],
    },
    {
      title: "an item of a list",
      sources: { env: { SLUICE_ENFORCER_POD_INTERFACE_PREFIXES: "cali,a/b" } },
      expected: ["SLUICE_ENFORCER_POD_INTERFACE_PREFIXES: must be 1 to 14 characters of an interface's name"],
    },
    {
      title: "an empty list",
      sources: { fileText: "enforcer: {podInterfacePrefixes: []}" },
      expected: ["sluice.yaml: enforcer.podInterfacePrefixes: must name at least one"],
    },
    {
      title: "a section that is no mapping, also where a flag sets a key of it",
      sources: { fileText: "collector: 5", flags: { "collector.window-ms": "1000" } },
      expected: ["sluice.yaml: collector: must be a mapping"],
    },
    {
      title: "a file that is a list",
      sources: { fileText: "- a" },
      expected: ["sluice.yaml: must be a mapping of sections"],
    },
    {
      title: "a file that is no YAML, with the line",
      sources: { fileText: "collector:\n  windowMs: [1\n" },
      expected: [/^sluice\.yaml: .*line 3/],
    },
    {
      title: "a key that stands twice",
      sources: { fileText: "collector: {windowMs: 1000}\ncollector: {windowMs: 1000}" },
      expected: [/^sluice\.yaml: .*unique.*line 2/],
    },
    {
      title: "everything that is wrong at once",
      sources: {
        fileText: "log: {level: loud}\nobjects: {folder: ''}",
        env: { SLUICE_NODE_NAM: "a" },
        flags: { "enricher.hold-back-ms": "-1" },
      },
      expected: [
        "SLUICE_NODE_NAM: there is no such setting; did you mean SLUICE_NODE_NAME?",
        'sluice.yaml: log.level: must be one of debug, info, warn, error, silent, not "loud"',
        "sluice.yaml: objects.folder: must not be empty",
        "--enricher.hold-back-ms: must be a number from 0 to 60000, not -1",
      ],
    },
  ] as { title: string; sources: ConfigSources; expected: readonly (string | RegExp)[] }[])
    it(`refuses ${title}`, () => {
      const actual = faults(sources);
      assert.equal(actual.length, expected.length, actual.join("\n"));
      for (const [index, fault] of expected.entries()) {
        if (typeof fault === "string") assert.equal(actual[index], fault);
        else assert.match(actual[index] as string, fault);
      }
    });

  it("records no DNS unless it is told to, and then by a group that nobody else reads", () => {
    assert.equal(parseConfig({}).dns.enabled, false);
    const text = (group: number) => `dns: {enabled: true, nflogGroup: ${group}}`;
    assert.equal(parseConfig({ fileText: text(7) }).dns.nflogGroup, 7);
    const fault = (what: string) => [`sluice.yaml: dns.nflogGroup: ${what}`];
    assert.deepEqual(faults({ fileText: text(5) }), fault("must not be collector.nflog-group"));
    assert.deepEqual(faults({ fileText: text(2) }), fault("must be at least 4: Felix and ulogd read those below"));
  });

  it("prints what it can read again", () => {
    const config = parseConfig({ flags: { "collector.window-ms": "1000" } });
    assert.deepEqual(parseConfig({ fileText: printConfig(config) }), config);
  });

  it("describes every setting, and gives each a name of its own", () => {
    for (const { path, description } of settings) assert.match(description, /\.$/, path);
    for (const name of ["path", "flag", "variable"] as const)
      assert.equal(new Set(settings.map((setting) => setting[name])).size, settings.length);
  });

  const files = { certificateFile: "tls.crt", keyFile: "tls.key" };
  for (const { title, audit, fault } of [
    { title: "off without anything else", audit: {}, fault: undefined },
    {
      title: "on loopback without certificates",
      audit: { listen: "127.0.0.1:0", admissionListen: "[::1]:0" },
      fault: undefined,
    },
    {
      title: "elsewhere with certificates of both ends",
      audit: { listen: "0.0.0.0:9466", ...files, clientCaFile: "ca.crt" },
      fault: undefined,
    },
    { title: "elsewhere with ours alone", audit: { listen: "0.0.0.0:9466", ...files }, fault: "clientCaFile" },
    {
      title: "elsewhere without",
      audit: { listen: "10.0.0.1:9466", clientCaFile: "ca.crt" },
      fault: "certificateFile",
    },
    { title: "for admission with ours alone", audit: { admissionListen: "0.0.0.0:9467", ...files }, fault: undefined },
    { title: "for admission without", audit: { admissionListen: "0.0.0.0:9467" }, fault: "certificateFile" },
    { title: "with a certificate without key", audit: { certificateFile: "tls.crt" }, fault: "keyFile" },
    {
      title: "with names but no authority",
      audit: { listen: "127.0.0.1:0", clientNames: ["a"] },
      fault: "clientCaFile",
    },
    { title: "with a token that is no part of a path", audit: { admissionToken: "a/b" }, fault: "admissionToken" },
  ])
    it(`${fault === undefined ? "takes" : "refuses"} listening for audit events ${title}`, () => {
      const found = faults({ fileText: JSON.stringify({ audit }) });
      assert.equal(
        found.some((line) => line.includes(`audit.${fault}`)),
        fault !== undefined,
        found.join(),
      );
      if (fault === undefined) assert.deepEqual(found, []);
    });
});
