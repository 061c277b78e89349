/**
 * What `nft list table` printed, in an order that does not depend on the order in which things were added: objects by name, elements
 * of a set by their text; counters as if nothing had been counted, sets without how much room they have and without what packets put
 * into them.
 */
export function canonicalTable(text: string): string {
  const objects = text
    .replaceAll(/\n\t\tsize \d+/g, "")
    .replaceAll(/packets \d+ bytes \d+/g, "packets 0 bytes 0")
    .replaceAll(/elements = \{([^}]*)\}/g, (_, elements: string) => `elements = { ${sortedElements(elements)} }`)
    .split(/\n(?=\t(?:set|map|counter|chain) )/);
  const [head = "", ...rest] = objects.map((object) => withoutDynamic(object.replace(/\n\}\n?$/, "").trimEnd()));
  return [head, ...rest.sort(), "}", ""].join("\n");
}

function withoutDynamic(object: string): string {
  return /\n\t\tflags [^\n]*dynamic/.test(object) ? object.replace(/\n\t\telements = \{[^}]*\}/, "") : object;
}

function sortedElements(elements: string): string {
  return elements
    .split(",")
    .map((element) => element.trim())
    .sort()
    .join(", ");
}
