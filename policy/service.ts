import type { Address } from "../core/address.ts";

/** Somebody who answers for a Service. Headless ones may have an address and no port: then `protocol` and `port` are 0. */
export interface Backend {
  readonly address: Address;
  readonly protocol: number;
  readonly port: number;
}

export const serviceKey = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${namespace}/${name}`;
