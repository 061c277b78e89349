import type { Cell, Shape } from "./format.ts";

/** A setting in force. */
export interface SettingInForce {
  readonly path: string;
  readonly flag: string;
  readonly variable: string;
  /** `***` for a secret. */
  readonly value: unknown;
  readonly default: unknown;
}

export const settingShape: Shape<SettingInForce> = {
  objectOf: (setting) => ({ type: "setting", ...setting }),
  nameOf: ({ path }) => path,
  columns: [
    { header: "setting", cell: ({ path }) => path },
    { header: "value", cell: ({ value }) => cellOf(value) },
    { header: "default", cell: (setting) => cellOf(setting.default) },
    { header: "flag", cell: ({ flag }) => flag, only: "wide" },
    { header: "variable", cell: ({ variable }) => variable, only: "wide" },
  ],
};

function cellOf(value: unknown): Cell {
  if (value === undefined || value === null) return null;
  return Array.isArray(value) ? value.join(",") : String(value);
}
