import { z } from "zod";
import type { Address } from "../../core/address.ts";
import { parseAddress } from "../../core/address.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Read } from "../model.ts";
import type { NamedPort } from "../placement.ts";
import type { Labels } from "../selector/syntax.ts";
import { celEmpty } from "./cel.ts";
import { parsed, portName, portNumber, textLike } from "./fields.ts";
import { asAtomic, asSet, constrained } from "./openapi.ts";
import { protocolField, takesPorts } from "./protocol-field.ts";
import { readWith } from "./reading.ts";

/** projectcalico.org/v3 HostEndpoint: an interface of a node, or all of them, as something that policy applies to. */
export interface HostEndpoint {
  readonly name: string;
  readonly labels: Labels;
  readonly node: string;
  /** `*`: all of the node. Null: that which has the first of the addresses. */
  readonly interfaceName: string | null;
  /** By which rules mean it; without any they never do. */
  readonly addresses: readonly Address[];
  readonly profiles: readonly string[];
  readonly ports: readonly NamedPort[];
}

const port = constrained(z.strictObject({ name: portName, protocol: protocolField, port: portNumber }), [
  {
    message: "only TCP, UDP and SCTP have ports to be named",
    at: ["protocol"],
    holds: ({ protocol }) => takesPorts(protocol),
  },
]);

export const hostEndpointSpec = constrained(
  z.strictObject({
    node: z.string().min(1).max(253).describe("The node it is on."),
    interfaceName: textLike(/^(\*|[a-zA-Z0-9_.-]{0,15})$/, 'name of an interface, and not "*"')
      .max(15)
      .optional(),
    expectedIPs: asSet(z.array(parsed(parseAddress)))
      .optional()
      .describe("Addresses by which rules mean it; without any they never do."),
    profiles: asSet(z.array(z.string())).optional(),
    ports: asAtomic(z.array(port)).optional(),
  }),
  [
    {
      message: 'is missing: give interfaceName (or "*"), or expectedIPs',
      at: ["interfaceName"],
      holds: ({ interfaceName, expectedIPs }) => Boolean(interfaceName) || (expectedIPs ?? []).length > 0,
      cel: `!${celEmpty("interfaceName")} || !${celEmpty("expectedIPs")}`,
    },
  ],
);

/** Profiles that allow what no policy decides; any other has no rules here. */
export function isOpenProfile(profile: string): boolean {
  return /^(projectcalico-default-allow|kns\..+)$/.test(profile);
}

export function readHostEndpoint(object: KubeObject): Read<HostEndpoint> {
  const result = readWith(hostEndpointSpec, object["spec"] ?? {}, "spec");
  if ("problems" in result) return result;
  const { node, interfaceName, expectedIPs = [], profiles = [], ports = [] } = result.value;
  const { name, labels = {} } = object.metadata;
  return {
    value: { name, labels, node, interfaceName: interfaceName || null, addresses: expectedIPs, profiles, ports },
  };
}
