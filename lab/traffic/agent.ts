import { flushCompileCache } from "node:module";
import { systemClock } from "../../core/clock.ts";
import { messageOf, SluiceError } from "../../core/errors.ts";
import { Calls } from "./calls.ts";
import { hello, type Reply, type Request, type ServedPort } from "./messages.ts";
import { makeProbe } from "./probe.ts";
import { serveTcp, serveUdp } from "./servers.ts";

// The program that runs inside a network namespace of the lab and makes its traffic. It ends with the IPC channel, so a lab
// that is killed leaves no agents.

const calls = new Calls({ clock: systemClock });

function perform(request: Request): unknown {
  switch (request.op) {
    case "serve":
      return Promise.all(request.ports.map(serve));
    case "probe":
      return makeProbe(request.probe, systemClock);
    case "start":
      return request.calls.forEach((call) => void calls.start(call));
    case "totals":
      return calls.totals();
    case "stop":
      return calls.stop(request.names);
  }
}

function serve({ port, protocol, names }: ServedPort): Promise<void> {
  switch (protocol) {
    case "TCP":
      return serveTcp(port);
    case "UDP":
      return serveUdp(port, names);
    case "SCTP":
      throw new SluiceError("DEPENDENCY_MISSING", `cannot serve SCTP port ${port}: Node has no SCTP sockets`);
  }
}

async function handle(request: Request): Promise<Reply> {
  try {
    return { id: request.id, result: await perform(request) };
  } catch (thrown) {
    return { id: request.id, error: messageOf(thrown) };
  }
}

process.on("message", (request: Request) => {
  void handle(request).then((reply) => process.connected && process.send?.(reply));
});
process.on("disconnect", () => process.exit(0));
// Ctrl-C and service managers signal the whole group; the lab still wants to stop its agents in order.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
flushCompileCache(); // for the agents that start after this one
process.send?.(hello);
