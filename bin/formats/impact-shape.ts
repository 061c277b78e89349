import { ruleTitle } from "../../policy/explain.ts";
import type { PairImpact } from "../../policy/impact.ts";
import { policyId } from "../../policy/kind-names.ts";
import { bytesText } from "../../sinks/live/text.ts";
import { trafficText } from "../protocol-text.ts";
import type { Shape } from "./format.ts";

export const impactShape: Shape<PairImpact> = {
  objectOf: ({ change, source, destination, protocol, port, formerly, by, why, flows, bytes }) => ({
    type: "impact",
    change,
    source,
    destination,
    protocol,
    port,
    formerly,
    by: by === null ? null : `${by.tier}|${policyId(by)}|${by.action}|${by.rule}`,
    why,
    flows,
    bytes,
  }),
  nameOf: ({ source, destination }) => `${source} ${destination}`,
  columns: [
    { header: "change", cell: ({ change }) => change, text: ({ change }) => words[change] },
    { header: "source", cell: ({ source }) => source },
    { header: "destination", cell: ({ destination }) => destination },
    { header: "traffic", cell: ({ protocol, port }) => trafficText(protocol, port) },
    { header: "flows", cell: ({ flows }) => flows },
    { header: "bytes", cell: ({ bytes }) => bytes, text: ({ bytes }) => bytesText(bytes) },
    { header: "by", cell: ({ by, why }) => (by === null ? (why === null ? null : `? ${why}`) : ruleTitle(by)) },
    { header: "formerly", cell: ({ formerly }) => formerly, only: "wide" },
  ],
};

const words: Readonly<Record<PairImpact["change"], string>> = {
  newlyDenied: "✗ DENIED",
  newlyAllowed: "✓ ALLOWED",
  uncertain: "? UNCERTAIN",
};
