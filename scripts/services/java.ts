import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runToEnd } from "./processes.ts";

/** Options that matter for how soon a JVM of a test is there. */
export const quickStart: readonly string[] = [
  "-XX:+UseSerialGC",
  "-XX:TieredStopAtLevel=1",
  "-XX:+ExitOnOutOfMemoryError",
];

/** The `bin` folder of a JDK of at least this version: that of SERVICES_JAVA_HOME or JAVA_HOME, else the newest beside the one in PATH. */
export function jdkOf(atLeast: number): string | undefined {
  const named = [process.env["SERVICES_JAVA_HOME"], process.env["JAVA_HOME"]].filter((home) => home !== undefined);
  const chosen = named.find((home) => versionOf(home) >= atLeast);
  const home = chosen ?? installed().sort((a, b) => versionOf(b) - versionOf(a))[0];
  return home === undefined || versionOf(home) < atLeast ? undefined : join(home, "bin");
}

/** What keeps a service of Maven's jars from starting here. */
export function lacksJava(atLeast: number): string | undefined {
  if (jdkOf(atLeast) === undefined) return `there is no JDK of ${atLeast} or later (SERVICES_JAVA_HOME)`;
  return programOf("mvn") === undefined ? "there is no mvn" : undefined;
}

/** The path of a program, if there is one. */
export function programOf(name: string): string | undefined {
  const folders = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`.split(":");
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * Puts the jars that a pom asks for into `folder`/lib and lets `complete` make the rest; does nothing if the pom and the other
 * `sources` are those of the last time.
 */
export function resolveJars(
  folder: string,
  pom: string,
  sources: readonly string[],
  complete: (folder: string) => void,
): void {
  const hash = createHash("sha256");
  for (const file of [pom, ...sources]) hash.update(readFileSync(file));
  const [stamp, content] = [join(folder, ".stamp"), hash.digest("hex")];
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === content) return;
  rmSync(folder, { recursive: true, force: true });
  const lib = join(folder, "lib");
  mkdirSync(lib, { recursive: true });
  console.error(`services: resolving the jars of ${pom}`);
  const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${lib}`];
  runToEnd("mvn", ["-q", "-B", "-f", pom, ...goal]);
  complete(folder);
  writeFileSync(stamp, content);
}

function installed(): string[] {
  const javac = programOf("javac");
  if (javac === undefined) return [];
  const home = dirname(dirname(realpathSync(javac)));
  return readdirSync(dirname(home)).map((name) => join(dirname(home), name));
}

function versionOf(home: string): number {
  const release = join(home, "release");
  if (!existsSync(release) || !existsSync(join(home, "bin", "javac"))) return 0;
  return Number(/JAVA_VERSION="(?:1\.)?(\d+)/.exec(readFileSync(release, "utf8"))?.[1] ?? 0);
}

/** Where the system has a library, by its name as ldconfig(8) lists it. */
export function libraryOf(name: string): string | undefined {
  const ldconfig = programOf("ldconfig");
  if (ldconfig === undefined) return undefined;
  const list = execFileSync(ldconfig, ["-p"], { encoding: "utf8" });
  return list
    .split("\n")
    .map((line) => line.trim().split(/ .*=> /))
    .find(([library]) => library === name)?.[1];
}
