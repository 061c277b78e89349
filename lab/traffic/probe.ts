import type { Clock } from "../../core/clock.ts";
import type { Probe, ProbeResult } from "./messages.ts";
import { probeHttp } from "./probe-http.ts";
import { probeIcmp } from "./probe-icmp.ts";
import { probeTcp } from "./probe-tcp.ts";
import { probeUdp } from "./probe-udp.ts";

/** Makes one probe; the outcome is always a value. */
export async function makeProbe(probe: Probe, clock: Clock): Promise<ProbeResult> {
  const done = new AbortController();
  const expired = new AbortController();
  void clock.sleep(probe.timeoutMs ?? 1000, done.signal).then(() => expired.abort());
  try {
    return await dispatch(probe, expired.signal);
  } finally {
    done.abort();
  }
}

function dispatch(probe: Probe, expired: AbortSignal): Promise<ProbeResult> {
  switch (probe.protocol) {
    case "tcp":
      return probeTcp(probe, expired);
    case "udp":
      return probeUdp(probe, expired);
    case "http":
      return probeHttp(probe, expired);
    case "icmp":
      return probeIcmp(probe, expired);
  }
}
