/**
 * What `nft list table` printed, in an order that does not depend on the order in which things were added: objects by name, elements
 * of a set by their text; counters as if nothing had been counted, sets without how much room they have.
 */
export function canonicalTable(text: string): string {
  const objects = text
    .replaceAll(/\n\t\tsize \d+/g, "")
    .replaceAll(/packets \d+ bytes \d+/g, "packets 0 bytes 0")
    .replaceAll(/elements = \{([^}]*)\}/g, (_, elements: string) => `elements = { ${sortedElements(elements)} }`)
    .split(/\n(?=\t(?:set|map|counter|chain) )/);
  const [head = "", ...rest] = objects.map((object) => object.replace(/\n\}\n?$/, "").trimEnd());
  return [head, ...rest.sort(), "}", ""].join("\n");
}

function sortedElements(elements: string): string {
  return elements
    .split(",")
    .map((element) => element.trim())
    .sort()
    .join(", ");
}
