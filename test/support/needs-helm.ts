import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type GoSources, goProgram, lacksGoProgram } from "../../lab/api-server/go-program.ts";

const sources: GoSources = {
  what: "a program that renders charts as Helm does",
  name: "helm/helm-render",
  folder: "test/support/helm",
  files: ["go.mod", "go.sum", "main.go"],
  flags: ["-ldflags", "-s -w"],
  takes: "half a minute",
};

export interface Release {
  readonly name: string;
  readonly namespace: string;
  readonly values: object;
}

/** Texts by the file of the chart that they come from; or why Helm refuses. */
export type Rendered = { readonly files: Readonly<Record<string, string>> } | { readonly error: string };

/** For a describe that renders charts by Helm itself. */
export function needsHelm(): (chart: string, releases: readonly Release[]) => readonly Rendered[] {
  let program = "";
  before(async function () {
    this.timeout(600_000); // it may have to be built
    const lacking = lacksGoProgram(sources);
    if (lacking !== undefined && process.env["CI"] !== undefined) throw new Error(`${lacking}, and CI is set`);
    if (lacking !== undefined) {
      console.log(`skipped: ${lacking}`);
      this.skip();
    }
    program = await goProgram(sources, (line) => console.log(`      ${line}`));
  });
  return (chart, releases) => {
    const folder = join(import.meta.dirname, "..", "..", chart);
    const { status, stdout, stderr } = spawnSync(program, [folder], {
      input: JSON.stringify(releases),
      encoding: "utf8",
      maxBuffer: 268_435_456,
    });
    if (status !== 0) throw new Error(`helm-render: ${stderr}`);
    return JSON.parse(stdout) as readonly Rendered[];
  };
}
