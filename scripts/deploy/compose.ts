import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";

/** A service of a compose file, as far as it is looked at here; the schema has checked its shape. */
export interface ComposeService {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly user?: string;
  readonly restart?: string;
  readonly network_mode?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: object;
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

// compose-spec.json: the schema of the Compose Specification (compose-spec/compose-go v2.16.2, Apache-2.0), unchanged.
const schema: object = JSON.parse(readFileSync(new URL("compose-spec.json", import.meta.url), "utf8"));

/** The file with the defaults of its variables; throws where it is no compose file, or a variable has no default. */
export function readCompose(text: string): ComposeFile {
  const merged: unknown = parse(text, { merge: true });
  const filled: unknown = JSON.parse(
    JSON.stringify(merged, (_, value) => (typeof value === "string" ? fill(value) : value)),
  );
  const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false });
  const validate = ajv.compile(schema);
  if (!validate(filled)) throw new Error(`no compose file: ${ajv.errorsText(validate.errors, { separator: "; " })}`);
  return filled as ComposeFile;
}

/** `${NAME:-default}` => `default` */
function fill(text: string): string {
  return text.replaceAll(/\$\{([^}]*)\}/g, (all, inner: string) => {
    const [, value] = /^[A-Z_]+:-(.*)$/.exec(inner) ?? [];
    if (value === undefined) throw new Error(`${all} has no default`);
    return value;
  });
}

/** What is wrong with a compose file that no schema sees: references that lead nowhere, dependencies that are never met. */
export function composeFaults({ services, volumes = {} }: ComposeFile, root: string): readonly string[] {
  const used = new Set<string>();
  const ports = new Map<string, string>();
  const faults = Object.entries(services).flatMap(([name, service]) =>
    [
      ...imageFaults(service, root),
      ...(service.volumes ?? []).flatMap((volume) => volumeFaults(volume, root, volumes, used)),
      ...(service.ports ?? []).flatMap((port) => portFaults(port, name, ports)),
      ...Object.entries(service.depends_on ?? {}).flatMap(([other, { condition }]) =>
        dependencyFaults(services[other], other, condition, root),
      ),
    ].map((fault) => `${name}: ${fault}`),
  );
  const unused = Object.keys(volumes).filter((volume) => !used.has(volume));
  return [...faults, ...unused.map((volume) => `volume ${volume} is used by nobody`), ...circles(services)];
}

function imageFaults({ image, build }: ComposeService, root: string): readonly string[] {
  const pinned = /^[^:@]+(\/[^:@]+)*:[\w.-]+$/.test(image ?? "") && !image?.endsWith(":latest");
  return [
    ...(pinned ? [] : [`image ${image} names no version`]),
    ...(build === undefined || existsSync(join(root, build.context, build.dockerfile))
      ? []
      : [`no file ${build.dockerfile}`]),
  ];
}

function volumeFaults(
  volume: string,
  root: string,
  declared: Readonly<Record<string, unknown>>,
  used: Set<string>,
): readonly string[] {
  const source = volume.split(":")[0] as string;
  if (/^[./]/.test(source)) return existsSync(join(root, source)) ? [] : [`no file ${source}`];
  used.add(source);
  return source in declared ? [] : [`volume ${source} is not declared`];
}

function portFaults(port: string, name: string, taken: Map<string, string>): readonly string[] {
  const [host, outer] = port.split(":") as [string, string | undefined];
  const other = taken.get(outer ?? host);
  taken.set(outer ?? host, name);
  return [
    ...(host === "127.0.0.1" ? [] : [`port ${port} is open to everybody`]),
    ...(other === undefined ? [] : [`port ${port} is that of ${other} as well`]),
  ];
}

function dependencyFaults(
  other: ComposeService | undefined,
  name: string,
  condition: string,
  root: string,
): readonly string[] {
  if (other === undefined) return [`depends on ${name}, which is not there`];
  const ends = other.restart === "no";
  if (condition === "service_healthy" && !isChecked(other, root))
    return [`waits for the health of ${name}, which nobody checks`];
  if (condition === "service_completed_successfully" && !ends)
    return [`waits for the end of ${name}, which is started again`];
  return [];
}

function isChecked({ healthcheck, build }: ComposeService, root: string): boolean {
  if (healthcheck !== undefined) return true;
  return (
    build !== undefined &&
    /^HEALTHCHECK (?!NONE)/m.test(readFileSync(join(root, build.context, build.dockerfile), "utf8"))
  );
}

function circles(services: ComposeFile["services"]): readonly string[] {
  const leadsTo = (name: string, goal: string, seen: ReadonlySet<string>): boolean =>
    Object.keys(services[name]?.depends_on ?? {}).some(
      (next) => next === goal || (!seen.has(next) && leadsTo(next, goal, new Set([...seen, next]))),
    );
  return Object.keys(services)
    .filter((name) => leadsTo(name, name, new Set([name])))
    .map((name) => `${name}: waits for itself`);
}
