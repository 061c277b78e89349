// Kubernetes objects with holes that the values of an installation fill. Two readers give holes their meaning: `fill` for what Sluice applies
// itself (fill.ts), and `helmText` for the templates of the chart (helm-text.ts). A test holds the second to the first by Helm itself.

/** A dotted path in the values: `enrich.replicas`. Below `config` it need not be there. */
export type Path = string;

/** Something is there if this value is neither false, 0 nor empty; all of them, if there are several. */
export type Condition = Path | readonly Path[];

export type Hole =
  /** A value as it is, whatever its type. */
  | { readonly hole: "value"; readonly path: Path }
  /** Texts and values, one after the other, as one text. */
  | { readonly hole: "text"; readonly parts: readonly (string | Hole)[] }
  /** Where it is installed. */
  | { readonly hole: "namespace" }
  /** A value as text of JSON; and the SHA-256 of that. */
  | { readonly hole: "json"; readonly path: Path }
  | { readonly hole: "hash"; readonly path: Path }
  /** Elements of a list, one for each of a list of the values; and that one, within them. */
  | { readonly hole: "each"; readonly path: Path; readonly as: Template }
  | { readonly hole: "element" }
  /** A field, an element of a list or an object that is left out otherwise. */
  | { readonly hole: "when"; readonly condition: Condition; readonly isNot: boolean; readonly then: Template };

export type Template = string | number | boolean | Hole | readonly Template[] | Fields;

export interface Fields {
  readonly [field: string]: Template;
}

export const value = (path: Path): Hole => ({ hole: "value", path });
export const namespace: Hole = { hole: "namespace" };
export const json = (path: Path): Hole => ({ hole: "json", path });
export const hash = (path: Path): Hole => ({ hole: "hash", path });
export const when = (condition: Condition, then: Template): Hole => ({ hole: "when", condition, isNot: false, then });
export const unless = (condition: Condition, then: Template): Hole => ({ hole: "when", condition, isNot: true, then });

export const each = (path: Path, as: Template): Hole => ({ hole: "each", path, as });
export const element: Hole = { hole: "element" };

/** text`${value("image.repository")}:${value("image.tag")}` */
export function text(strings: TemplateStringsArray, ...holes: readonly Hole[]): Hole {
  const parts = strings.flatMap((string, index): readonly (string | Hole)[] => {
    const hole = holes[index];
    return hole === undefined ? [string] : [string, hole];
  });
  return { hole: "text", parts: parts.filter((part) => part !== "") };
}

export function isHole(template: Template): template is Hole {
  return typeof template === "object" && "hole" in template;
}

export function isList(template: Template): template is readonly Template[] {
  return Array.isArray(template);
}
