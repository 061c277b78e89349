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
      title: "traces an allowed packet",
      args: trace("--from", "prod-shop/catalog", "--to", "service:storage/minio", "--port", "9000"),
      code: 0,
      out: /^ALLOW {2}prod-shop\/catalog-\S+ -> storage\/minio-\S+ {2}TCP port 9000\n/,
    },
    {
      title: "traces a denied packet, with an exit code of its own",
      args: trace("--from", "dev-shop/web", "--to", "prod-shop/cart", "--port", "8080"),
      code: 1,
      out: /^DENY .*rule 0 of GlobalNetworkPolicy security\.dev-not-to-prod matches: deny/s,
    },
    {
      title: "traces as JSON",
      args: trace("--from", "dev-shop/web", "--to", "prod-shop/cart", "--port", "8080", "-o", "json"),
      code: 1,
      out: /^\[\n {2}\{\n {4}"action": "deny"/,
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
