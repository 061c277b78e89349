import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { type Copy, DockerfileParser, type From, type Instruction, type JSONInstruction } from "dockerfile-ast";
import { settings } from "../../core/config.ts";

interface Stage {
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
}

/** What is wrong with our Dockerfile: copies of what is not there, modules that it forgets, a process with more rights than it needs. */
export function dockerfileFaults(text: string, ignore: string, root: string): readonly string[] {
  const stages = stagesOf(text);
  const last = stages.at(-1);
  if (last === undefined) return ["no FROM"];
  const copied = copiedOf(last, root);
  return [
    ...unknownInstructions(text),
    ...stages.flatMap((stage) => copyFaults(stage, stages, ignore, root)),
    ...forgotten(copied, root),
    ...environmentFaults(last),
    ...startFaults(last, copied),
  ];
}

function stagesOf(text: string): readonly Stage[] {
  const stages: { name: string | null; instructions: Instruction[] }[] = [];
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    if (instruction.getKeyword() === "FROM")
      stages.push({ name: (instruction as From).getBuildStage(), instructions: [] });
    stages.at(-1)?.instructions.push(instruction);
  }
  return stages;
}

/** Dockerfile reference, "Overview". */
const keywords =
  /^(ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|ONBUILD|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)$/;

function unknownInstructions(text: string): readonly string[] {
  const found = DockerfileParser.parse(text)
    .getInstructions()
    .map((instruction) => instruction.getKeyword());
  return found.filter((keyword) => !keywords.test(keyword)).map((keyword) => `${keyword} is no instruction`);
}

const named = (stage: Stage, keyword: string): readonly Instruction[] =>
  stage.instructions.filter((instruction) => instruction.getKeyword() === keyword);

const wordsOf = (instruction: Instruction): readonly string[] =>
  instruction.getExpandedArguments().map((argument) => argument.getValue());

const stageOf = (copy: Instruction): string | undefined => (copy as Copy).getFromFlag()?.getValue() ?? undefined;

function copyFaults(stage: Stage, stages: readonly Stage[], ignore: string, root: string): readonly string[] {
  const included = ignore
    .split("\n")
    .filter((line) => line.startsWith("!"))
    .map((line) => line.slice(1));
  return named(stage, "COPY").flatMap((copy) => {
    const from = stageOf(copy);
    if (from !== undefined) return stages.some(({ name }) => name === from) ? [] : [`there is no stage ${from}`];
    return wordsOf(copy)
      .slice(0, -1)
      .flatMap((source) => [
        ...(existsSync(join(root, source)) ? [] : [`COPY: no file ${source}`]),
        ...(included.includes(source) ? [] : [`COPY: ${source} is left out by .dockerignore`]),
      ]);
  });
}

/** Files of the checkout that the image has, as paths from its root. */
function copiedOf(stage: Stage, root: string): ReadonlySet<string> {
  const sources = named(stage, "COPY")
    .filter((copy) => stageOf(copy) === undefined)
    .flatMap((copy) => wordsOf(copy).slice(0, -1));
  return new Set(sources.flatMap((source) => [source, ...globSync(`${source}/**/*`, { cwd: root })]));
}

/** Modules and files by URL that a module of the image asks for, and the image does not have. */
function forgotten(copied: ReadonlySet<string>, root: string): readonly string[] {
  return [...copied]
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => {
      const text = readFileSync(join(root, path), "utf8");
      const asked = [...text.matchAll(/(?:from |import\(|new URL\()"(\.{1,2}\/[^"]+)"/g)].map(
        ([, place]) => place as string,
      );
      const places = asked.map((place) => relative(root, resolve(root, dirname(path), place)));
      return places
        .filter((place) => !copied.has(place) && existsSync(join(root, place)))
        .map((place) => `${path} asks for ${place}, which is not copied`);
    });
}

function environmentFaults(stage: Stage): readonly string[] {
  const variables = named(stage, "ENV").flatMap((instruction) =>
    wordsOf(instruction).map((word) => word.split("=")[0] as string),
  );
  return variables
    .filter((name) => name.startsWith("SLUICE_") && !settings.some(({ variable }) => variable === name))
    .map((name) => `ENV ${name} is no setting`);
}

function startFaults(stage: Stage, copied: ReadonlySet<string>): readonly string[] {
  const user = named(stage, "USER").map(wordsOf).at(-1)?.[0];
  const check = named(stage, "HEALTHCHECK")
    .map((instruction) => instruction.getArgumentsContent() ?? "")
    .at(-1);
  const script = /"\/opt\/sluice\/([^"]+)"/.exec(check ?? "")?.[1];
  const entry = named(stage, "ENTRYPOINT").at(-1) as JSONInstruction | undefined;
  return [
    ...(user === undefined || /^(root|0)(:|$)/.test(user) ? ["it runs as root"] : []),
    ...(script !== undefined && copied.has(script) ? [] : ["HEALTHCHECK names no file of the image"]),
    ...(entry !== undefined && entry.getOpeningBracket() !== null
      ? []
      : ["ENTRYPOINT is no list, so a shell gets the signals"]),
  ];
}
