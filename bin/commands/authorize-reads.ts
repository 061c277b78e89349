import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import { type Certificates, ReadsServer } from "../../controls/tiers/reads-server.ts";
import { systemClock } from "../../core/clock.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import { type ListenAddress, parseListen } from "../../core/http.ts";
import { accessOf } from "../../core/kube/api/access.ts";
import { stderrLog } from "../../core/log.ts";
import type { Part } from "../../core/service.ts";
import { exitCodeHelp } from "../exit-codes.ts";
import { addKubeOptions, type KubeOptions, openApi } from "../kube-option.ts";
import { durationOption } from "../options.ts";
import { serve } from "../serve.ts";

const examples = `
An authorizer webhook of the Kubernetes API server (deploy/authorization): it denies get, list and watch of policies of tiers in which the reader has
no rights, and says nothing of anything else. Whoever runs it needs create on subjectaccessreviews. docs/tiers-and-rbac.md says more.

Example:
  sluice authorize-reads --tls-cert server.crt --tls-key server.key --client-ca apiserver-client-ca.crt
${exitCodeHelp}`;

interface Options extends KubeOptions {
  readonly listen: ListenAddress;
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly clientCa?: string;
  readonly duration?: number;
}

export function authorizeReadsCommand(): Command {
  const command = new Command("authorize-reads")
    .description("answer the API server, who may read the policies of which tier")
    .addOption(listenOption())
    .requiredOption("--tls-cert <file>", "certificate of the server, PEM")
    .requiredOption("--tls-key <file>", "its key, PEM")
    .option("--client-ca <file>", "only whoever has a certificate of it may ask, PEM")
    .addOption(durationOption())
    .addHelpText("after", examples);
  return addKubeOptions(command).action((options: Options) =>
    serve([partOf(options)], { duration: options.duration, level: "info" }),
  );
}

function partOf(options: Options): Part {
  return {
    name: "authorize-reads",
    async run({ stop, ready }) {
      const [api, log] = [openApi(options), stderrLog("info")];
      const server = new ReadsServer({
        address: options.listen,
        certificates: certificatesOf(options),
        accessOf: (subject) => accessOf(api, subject),
        log,
      });
      await server.listen();
      ready();
      for (;;) {
        await systemClock.sleep(renewMs, stop);
        if (stop.aborted) break;
        try {
          server.renew(certificatesOf(options));
        } catch (thrown) {
          log.warn({ error: messageOf(thrown) }, "the certificates cannot be renewed; those from before are in use");
        }
      }
      await server.close();
    },
  };
}

/** Certificates are renewed below a running process. */
const renewMs = 60_000;

function certificatesOf({ tlsCert, tlsKey, clientCa }: Options): Certificates {
  return {
    ...{ certificate: read(tlsCert), key: read(tlsKey) },
    ...(clientCa !== undefined && { clientAuthority: read(clientCa) }),
  };
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new SluiceError("CONFIG_INVALID", `${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Beside the API server: its own port is 6443, and 8443 is often somebody else's. */
const usualAddress = { host: "127.0.0.1", port: 8444 };

function listenOption(): Option {
  const option = new Option("--listen <address>", "where to answer").argParser(parseAddress);
  return option.default(usualAddress, `${usualAddress.host}:${usualAddress.port}`);
}

function parseAddress(text: string): ListenAddress {
  const address = parseListen(text);
  if (address === undefined) throw new InvalidArgumentError("Write an address as 127.0.0.1:8444.");
  return address;
}
