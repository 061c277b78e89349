import { Option } from "commander";

export interface TaxonomyOptions {
  readonly taxonomy?: string;
}

export const taxonomyOption = (): Option =>
  new Option("--taxonomy <file>", "file or folder that has the taxonomies, where they are not among the rest");
