import { z } from "zod";
import type { Address } from "../../core/address.ts";
import { parseAddress } from "../../core/address.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Read } from "../model.ts";
import type { NamedPort } from "../placement.ts";
import type { Labels } from "../selector/syntax.ts";
import { parsed, readWith } from "./fields.ts";
import { protocolField } from "./protocol-field.ts";

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

const spec = z
  .strictObject({
    node: z.string().min(1),
    interfaceName: z
      .string()
      .regex(/^(\*|[a-zA-Z0-9_.-]{1,15})$/, 'is no name of an interface, and not "*"')
      .optional(),
    expectedIPs: z.array(parsed(parseAddress)).optional(),
    profiles: z.array(z.string()).optional(),
    ports: z
      .array(
        z.strictObject({
          name: z.string().regex(/^[a-zA-Z0-9_.-]{1,128}$/, "is no name of a port"),
          protocol: protocolField,
          port: z.int().min(1).max(65535),
        }),
      )
      .optional(),
  })
  .refine(({ interfaceName, expectedIPs }) => interfaceName !== undefined || (expectedIPs ?? []).length > 0, {
    path: ["interfaceName"],
    message: 'is missing: give interfaceName (or "*"), or expectedIPs',
  });

export function readHostEndpoint(object: KubeObject): Read<HostEndpoint> {
  const result = readWith(spec, object["spec"] ?? {}, "spec");
  if ("problems" in result) return result;
  const { node, interfaceName = null, expectedIPs = [], profiles = [], ports = [] } = result.value;
  const { name, labels = {} } = object.metadata;
  return { value: { name, labels, node, interfaceName, addresses: expectedIPs, profiles, ports } };
}
