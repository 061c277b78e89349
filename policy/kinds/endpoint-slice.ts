import { z } from "zod";
import { tryParseAddress } from "../../core/address.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { Read } from "../model.ts";
import { protocolNumber } from "../protocol.ts";
import { type Backend, serviceKey } from "../service.ts";
import { readWith } from "./reading.ts";

/** What a discovery.k8s.io/v1 EndpointSlice says of a Service. */
export interface EndpointSlice {
  /** As `serviceKey`; null where it belongs to none. */
  readonly service: string | null;
  readonly backends: readonly Backend[];
}

// Loose: written by controllers, not by people.
const shape = z.object({
  endpoints: z.array(z.object({ addresses: z.array(z.string()) })).optional(),
  ports: z.array(z.object({ protocol: z.string().default("TCP"), port: z.int().optional() })).optional(),
});

/** Endpoints that are not ready count as well: policy is about who they are, not about whether they answer. */
export function readEndpointSlice(object: KubeObject): Read<EndpointSlice> {
  const read = readWith(shape, { endpoints: object["endpoints"], ports: object["ports"] }, "");
  if ("problems" in read) return read;
  const { endpoints = [], ports = [] } = read.value;
  const addresses = endpoints.flatMap((endpoint) => endpoint.addresses.map(tryParseAddress));
  const open = ports.flatMap(({ protocol, port }) => {
    const number = protocolNumber(protocol);
    return number === undefined || port === undefined ? [] : [{ protocol: number, port }];
  });
  const name = object.metadata.labels?.["kubernetes.io/service-name"];
  const namespace = object.metadata.namespace ?? "default";
  return {
    value: {
      service: name === undefined ? null : serviceKey({ namespace, name }),
      backends: addresses
        .filter((address) => address !== undefined)
        .flatMap((address) =>
          (open.length === 0 ? [{ protocol: 0, port: 0 }] : open).map((port) => ({ address, ...port })),
        ),
    },
  };
}
