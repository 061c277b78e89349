/** Something that was not seen or not kept. Fields as in loss.avsc; times in microseconds since the epoch. */
export interface Loss {
  readonly cluster: string;
  readonly node: string;
  readonly epoch: number;
  readonly seq: number;
  readonly source: "conntrack" | "nflog" | "decode" | "queue" | "limit" | "dns";
  readonly count: number | null;
  readonly start: number;
  readonly end: number;
  readonly detail: string;
}
