/** How long others may take at the end to take what they have not taken; a process has 10 s in all (core/service.ts). */
export const endGraceMs = 5_000;
