import type { Config } from "../../core/config.ts";
import type { Machine } from "./machine.ts";

/** What one look at the machine found. */
export interface Finding {
  /** warn: Sluice works, but less well. fail: it does not. */
  readonly status: "ok" | "warn" | "fail";
  readonly subject: string;
  readonly text: string;
  /** What to do; absent if all is well. */
  readonly fix?: string;
}

/** Looks at one thing. Changes nothing, and throws nothing. */
export type Check = (machine: Machine, config: Config) => readonly Finding[];

export const ok = (subject: string, text: string): Finding => ({ status: "ok", subject, text });
export const warn = (subject: string, text: string, fix: string): Finding => ({ status: "warn", subject, text, fix });
export const fail = (subject: string, text: string, fix: string): Finding => ({ status: "fail", subject, text, fix });
