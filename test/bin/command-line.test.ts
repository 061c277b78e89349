import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { sluice } from "./command.ts";

const demo = fileURLToPath(new URL("../../lab/demo", import.meta.url));
const trace = (...words: readonly string[]) => ["trace", "--objects", demo, ...words];
const toCart = ["--from", "prod-web/web", "--to", "prod-shop/cart"];

describe("the command line", function () {
  this.timeout(20_000);

  for (const { title, args, code, out = /^$/, err = /^$/ } of [
    { title: "prints its version", args: ["version"], code: 0, out: /^sluice \d+\.\d+\.\d+\nnode 24\..*\nlinux / },
    { title: "prints help with examples and exit codes", args: ["--help"], code: 0, out: /Examples:.*Exit codes:/s },
    { title: "tells a command's own defaults in its help", args: ["demo", "--help"], code: 0, out: /Default: 1000\./ },
    { title: "answers no command with help", args: [], code: 2, err: /Usage: sluice/ },
    { title: "refuses a command that there is not", args: ["frob"], code: 2, err: /unknown command 'frob'/ },
    {
      title: "suggests what a misspelt option may mean",
      args: ["demo", "--durration", "3s"],
      code: 2,
      err: /Did you mean --duration/,
    },
    {
      title: "refuses a duration without a unit",
      args: ["demo", "--duration", "30"],
      code: 2,
      err: /Write a duration as "30s"/,
    },
    {
      title: "refuses a setting beyond its bounds, before anything is touched",
      args: ["demo", "--collector.window-ms", "3"],
      code: 2,
      err: /^sluice: the configuration is not accepted:\n {2}--collector\.window-ms: must be a number from 100/,
    },
    {
      title: "refuses a configuration file that is not there",
      args: ["up", "--config", "/nowhere.yaml"],
      code: 2,
      err: /^sluice: the configuration file \/nowhere\.yaml cannot be read: ENOENT.*\n$/,
    },
    { title: "refuses half a seat", args: ["up", "--seat", "node-1"], code: 2, err: /write node=namespace/ },
    {
      title: "says that a lab's folder is not there",
      args: ["lab", "up", "/nowhere"],
      code: 2,
      err: /sluice: the folder of manifests cannot be read: ENOENT/,
    },
    {
      title: "says that a trace's folder is not there",
      args: ["trace", "--objects", "/nowhere", ...toCart, "--port", "1"],
      code: 2,
      err: /^sluice: the folder of objects cannot be read: ENOENT.*\n$/,
    },
    {
      title: "refuses a lab without a folder",
      args: ["lab", "up"],
      code: 2,
      err: /missing required argument 'folder'/,
    },
    {
      title: "refuses to enforce on a node that the objects do not know",
      args: [
        "up",
        "--objects.folder",
        demo,
        "--seat",
        "node-typo=nowhere",
        "--log.level",
        "silent",
        "--metrics.listen",
        "off",
      ],
      code: 2,
      err: /^sluice: no Node "node-typo" among the objects, there are node-1, node-2: .*\n$/,
    },
    {
      title: "says that a namespace is not there, and ends",
      args: [
        "up",
        "--objects.folder",
        demo,
        "--seat",
        "node-1=sluice-nowhere",
        "--log.level",
        "silent",
        "--metrics.listen",
        "off",
      ],
      code: 1,
      out: /policies compiled/,
      err: /^sluice: there is no network namespace .*sluice-nowhere\n$/,
    },
    {
      title: "takes a Service's address for what it stands for",
      args: trace("--from", "dev-shop/web", "--to", "10.96.0.21", "--port", "80"),
      code: 3,
      out: /^DENY {2}dev-shop\/web-\S+ -> prod-shop\/cart-\S+ {2}TCP port 8080\n/,
    },
    {
      title: "traces an allowed packet",
      args: trace("--from", "prod-shop/catalog", "--to", "service:storage/minio", "--port", "9000"),
      code: 0,
      out: /^ALLOW {2}prod-shop\/catalog-\S+ -> storage\/minio-\S+ {2}TCP port 9000\n/,
    },
    {
      title: "traces a denied packet, with an exit code of its own",
      args: trace("--from", "dev-shop/web", "--to", "prod-shop/cart", "--port", "8080"),
      code: 3,
      out: /^DENY .*rule 0 of GlobalNetworkPolicy security\.dev-not-to-prod matches: deny/s,
    },
    {
      title: "traces as JSON",
      args: trace("--from", "dev-shop/web", "--to", "prod-shop/cart", "--port", "8080", "-o", "json"),
      code: 3,
      out: /^\[\n\{"type":"trace","action":"deny",.*"tier":"security","outcome":"deny","title":"tier security: rule 0 of GlobalNetworkPolicy security.dev-not-to-prod/,
    },
    {
      title: "takes the folder of objects by either name",
      args: ["trace", "--objects.folder", demo, ...toCart, "--port", "8080", "-o", "name"],
      code: 0,
      out: /^prod-web\/web-\S+ prod-shop\/cart-\S+ allow\n$/,
    },
    {
      title: "asks for the port where the protocol has ports",
      args: trace(...toCart),
      code: 2,
      err: /^sluice: TCP needs a --port\n$/,
    },
    {
      title: "refuses a port that is none",
      args: trace(...toCart, "--port", "1e3"),
      code: 2,
      err: /A port is 1 to 65535/,
    },
    {
      title: "refuses a protocol that is none",
      args: trace(...toCart, "--port", "1", "--protocol", "quic"),
      code: 2,
      err: /^sluice: --protocol quic is no protocol/,
    },
  ])
    it(title, async () => {
      const { ended, printed } = sluice(...args);
      assert.deepEqual(
        [await ended, printed.err.match(err) && printed.out.match(out) && "as expected"],
        [code, "as expected"],
        JSON.stringify(printed),
      );
    });
});

describe("the examples in help", function () {
  this.timeout(30_000);

  it("of trace all give an answer", async () => {
    const help = sluice("trace", "--help");
    assert.equal(await help.ended, 0);
    const examples = [...help.printed.out.matchAll(/^ {2}sluice (trace .*)$/gm)].map(([, words]) => words ?? "");
    assert.ok(examples.length >= 3);
    for (const example of examples) {
      const run = sluice(...example.replace("lab/demo", demo).split(" "));
      assert.ok([0, 3].includes((await run.ended) ?? -1), `${example}: ${run.printed.err}`);
    }
  });
});
