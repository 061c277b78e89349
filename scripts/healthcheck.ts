// Is the Sluice of this container as it should be? For HEALTHCHECK and probes: exit code 0 if it is ready, 1 if not.
// It asks where SLUICE_METRICS_LISTEN says; a process that serves nothing there (`off`) cannot be asked, and counts as ready.
import { parseListen } from "../core/http.ts";

const listen = process.env["SLUICE_METRICS_LISTEN"] ?? "127.0.0.1:9464";

/** Where all addresses are listened on, this machine's own is one of them. */
const reachable = (host: string): string => ({ "0.0.0.0": "127.0.0.1", "::": "::1" })[host] ?? host;

async function fault(): Promise<string | undefined> {
  const address = parseListen(listen);
  if (address === undefined) return listen === "off" ? undefined : `SLUICE_METRICS_LISTEN: ${listen} is no address`;
  const host = reachable(address.host);
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${address.port}/readyz`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(4_000) });
    return answer.ok ? undefined : `${url}: ${answer.status} ${(await answer.text()).trim()}`;
  } catch (thrown) {
    return `${url}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
}

const found = await fault();
if (found !== undefined) console.error(found);
process.exitCode = found === undefined ? 0 : 1;
