/** Rights that a process may have, by their bit in /proc/self/status (capabilities(7), include/uapi/linux/capability.h). */
const bits = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 } as const;

export type Capability = keyof typeof bits;

export const capabilities = Object.keys(bits) as readonly Capability[];

/** Those of `wanted` that are not among the effective ones. `status` is the text of /proc/self/status. */
export function lacking(status: string, wanted: readonly Capability[]): readonly Capability[] {
  const [, hex] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  const held = BigInt(`0x${hex ?? "0"}`);
  return wanted.filter((name) => ((held >> BigInt(bits[name])) & 1n) === 0n);
}
