import type { Address } from "../core/address.ts";
import type { Counts } from "../core/netlink/nft-counters.ts";
import { probeAddress } from "../core/probe.ts";
import type { Datagram } from "./probe-packets.ts";

/** The way of each packet of a probe, by what becomes of it where all is well. */
export const probeSteps = [
  "forward-allowed",
  /** The answer to it, which no rule allows but that for established connections. */
  "forward-reply",
  "forward-denied",
  "output-allowed",
  "output-denied",
  "input-reply",
  "input-denied",
] as const;
export type ProbeStep = (typeof probeSteps)[number];

/** What one probe saw. */
export interface ProbeSighting {
  /** Values of our counters before and after. */
  readonly before: Counts;
  readonly after: Counts;
  readonly sent: readonly ProbeStep[];
  /** Those that came out at the other end. */
  readonly arrived: readonly ProbeStep[];
}

/** As probe-port.ts has them; a fake in tests. */
export interface Port {
  begin(): void;
  inject(datagram: Datagram): void;
  sentOut(): readonly Datagram[];
  send(to: Address, port: number, payload: Uint8Array): string | null;
  received(): readonly Uint8Array[];
}

export interface ProbeOptions {
  readonly port: Port;
  readonly counters: () => Counts;
  /** Eight bytes that tell this probe's packets from those of others. */
  readonly nonce: Uint8Array;
  /** From 1024; another one each time, so that no probe goes on with the connection of an earlier one. */
  readonly sourcePort: number;
  /** Waits a moment: packets that are steered to another CPU take one. */
  readonly pause: () => void;
}

/** Discard (RFC 863): what is sent there wants no answer. */
const discardPort = 9;
const pauses = 20;

/** Sends the packets of a probe one after the other, and looks what becomes of each. */
export function sendProbe({ port, counters, nonce, sourcePort, pause }: ProbeOptions): ProbeSighting {
  const [sent, arrived]: [ProbeStep[], ProbeStep[]] = [[], []];
  const { sender, allowed, denied } = probeAddress;
  const payloadOf = (step: ProbeStep) => Uint8Array.of(...nonce, probeSteps.indexOf(step));
  const isOf = (step: ProbeStep, payload: Uint8Array) => Buffer.from(payload).equals(payloadOf(step));
  const seen = <T>(step: ProbeStep, look: () => T | undefined, wait = true): T | undefined => {
    for (let tries = 0; tries < (wait ? pauses : 2); tries++) {
      const found = look();
      if (found !== undefined) {
        arrived.push(step);
        return found;
      }
      pause();
    }
    return undefined;
  };
  const out = (step: ProbeStep) => () => port.sentOut().find(({ payload }) => isOf(step, payload));
  const local = (step: ProbeStep) => () => port.received().find((payload) => isOf(step, payload));
  const inject = (step: ProbeStep, from: readonly [Address, number], to: readonly [Address, number]) => {
    sent.push(step);
    const [source, sourcePort, destination, destinationPort] = [...from, ...to];
    port.inject({ source, sourcePort, destination, destinationPort, payload: payloadOf(step) });
  };
  const send = (step: ProbeStep, to: Address) => {
    sent.push(step);
    return port.send(to, discardPort, payloadOf(step));
  };

  port.begin();
  const before = counters();
  inject("forward-allowed", [sender, sourcePort], [allowed, discardPort]);
  const forwarded = seen("forward-allowed", out("forward-allowed"));
  if (forwarded !== undefined) {
    // To whom it seems to come from: another may have masqueraded it.
    inject("forward-reply", [allowed, discardPort], [forwarded.source, forwarded.sourcePort]);
    seen("forward-reply", out("forward-reply"));
  }
  inject("forward-denied", [sender, sourcePort], [denied, discardPort]);
  seen("forward-denied", out("forward-denied"), false);
  send("output-allowed", allowed);
  const left = seen("output-allowed", out("output-allowed"));
  send("output-denied", denied);
  seen("output-denied", out("output-denied"), false);
  // A node without any address sends from none, and nobody can answer it.
  if (left !== undefined && left.source !== "0.0.0.0") {
    inject("input-reply", [allowed, discardPort], [left.source, left.sourcePort]);
    seen("input-reply", local("input-reply"));
    inject("input-denied", [sender, sourcePort], [left.source, left.sourcePort]);
    seen("input-denied", local("input-denied"), false);
  }
  return { before, after: counters(), sent, arrived };
}
