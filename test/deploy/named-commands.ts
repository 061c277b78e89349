import { readFileSync } from "node:fs";

const help = readFileSync(new URL("../../docs/reference/cli.md", import.meta.url), "utf8");
const sections = new Map(
  help
    .split(/^(?=## )/m)
    .slice(1)
    .map((section) => [/^## (.*)/.exec(section)?.[1] ?? "", section] as const),
);

/** What is wrong with the calls of `sluice` that a text names in backquotes: a command or an option that there is not. */
export function faultsOfCommands(text: string): readonly string[] {
  return [...text.matchAll(/`(sluice [^`]+)`/g)].flatMap(([, call]) => {
    const words = (call as string).split(" ");
    const count = words[2] !== undefined && sections.has(words.slice(0, 3).join(" ")) ? 3 : 2;
    const section = sections.get(words.slice(0, count).join(" "));
    if (section === undefined) return [`no command: ${call}`];
    const options = words.flatMap((word) => /^--?[a-z][-a-z.]*/.exec(word)?.[0] ?? []);
    return options.filter((option) => !has(section, option)).map((option) => `${call}: no option ${option}`);
  });
}

const has = (section: string, option: string): boolean => section.split(/[\s,]+/).includes(option);
