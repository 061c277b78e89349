/** A file of the archive that will never change. Fields as in seal.avsc; times in microseconds. */
export interface Seal {
  readonly cluster: string;
  readonly kind: string;
  readonly file: string;
  readonly sha256: string;
  readonly rows: number;
  readonly firstId: string;
  readonly lastId: string;
  readonly start: number;
  readonly end: number;
  readonly sealedAt: number;
}
