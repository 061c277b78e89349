import type { DataSetName } from "../../sinks/elasticsearch/documents/data-sets.ts";

// What our dashboards show, in words of our own; saved-objects.ts and lens.ts turn it into what Kibana imports.

/** A number over documents. `flows` sums how many connections they stand for, as flows may be merged. */
export type Measure =
  | { readonly of: "documents" | "flows"; readonly label: string; readonly filter?: string }
  | {
      readonly of: "sum" | "max" | "unique";
      readonly field: string;
      readonly label: string;
      readonly filter?: string;
      readonly format?: "bytes";
    };

/** The values of a field, those with most first. */
export interface Split {
  readonly field: string;
  readonly label: string;
  readonly size: number;
}

interface Place {
  /** In the grid of 48 columns. */
  readonly at: readonly [x: number, y: number, width: number, height: number];
}

export type Panel = Place &
  (
    | { readonly kind: "text"; readonly markdown: string }
    | { readonly kind: "search"; readonly search: string }
    | {
        readonly kind: "number";
        readonly title: string;
        readonly set: DataSetName;
        readonly filter?: string;
        readonly measure: Measure;
      }
    | {
        readonly kind: "time";
        readonly title: string;
        readonly set: DataSetName;
        readonly filter?: string;
        readonly shape: "bar_stacked" | "line" | "area_stacked";
        readonly measures: readonly Measure[];
        readonly split?: Split;
      }
    | {
        readonly kind: "table";
        readonly title: string;
        readonly set: DataSetName;
        readonly filter?: string;
        readonly rows: readonly Split[];
        readonly measures: readonly Measure[];
      }
    | {
        readonly kind: "matrix";
        readonly title: string;
        readonly set: DataSetName;
        readonly filter?: string;
        readonly rows: Split;
        readonly columns: Split;
        readonly measure: Measure;
      }
  );

/** A list above a dashboard, to choose values of a field by. */
export interface Control {
  readonly set: DataSetName;
  readonly field: string;
  readonly title: string;
}

export interface Dashboard {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly controls: readonly Control[];
  readonly panels: readonly Panel[];
}

export interface Search {
  readonly id: string;
  readonly title: string;
  readonly set: DataSetName;
  readonly filter: string;
  readonly columns: readonly string[];
}
