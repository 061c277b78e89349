import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { errorCodes } from "../../core/errors.ts";
import { alertRules } from "./alert-rules.ts";
import { faultsOfCommands } from "./named-commands.ts";

const text = readFileSync(new URL("../../docs/runbook.md", import.meta.url), "utf8");
/** Text of each section, by its heading. */
const sections = new Map(
  text
    .split(/^(?=#{2,3} )/m)
    .slice(1)
    .map((section) => [/^#+ (.*)/.exec(section)?.[1] ?? "", section] as const),
);
const isOfSection = (heading: string): boolean => (sections.get(heading) ?? "").startsWith("### ");
const anchors = new Set([...sections.keys()].map((heading) => heading.toLowerCase().replaceAll(" ", "-")));

describe("docs/runbook", () => {
  const wanted = [...alertRules().map(({ alert }) => alert), ...Object.keys(errorCodes)];
  for (const heading of wanted)
    it(`says of ${heading} what it means, how to see more and what to do`, () => {
      for (const part of ["Means", "See", "Do"])
        assert.match(sections.get(heading) ?? "", new RegExp(`^\\*\\*${part}\\.\\*\\* \\S`, "m"));
    });
  it("has no section of what there is not", () => {
    assert.deepEqual([...sections.keys()].filter(isOfSection).sort(), [...wanted].sort());
  });
  it("leads to places that there are", () => {
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link as string);
    for (const link of links) {
      const [file = "", anchor] = link.split("#");
      if (file === "") assert.ok(anchors.has(anchor as string), link);
      else readFileSync(new URL(`../../docs/${file}`, import.meta.url));
    }
  });
  it("names commands and options that there are", () => {
    const told = alertRules().flatMap(({ annotations }) => Object.values(annotations));
    assert.deepEqual(faultsOfCommands([text, ...told].join("\n")), []);
  });
});
