import { Option } from "commander";
import { SluiceError } from "../core/errors.ts";
import { hint } from "../core/filter/literal.ts";
import { type KubeObject, keyOf } from "../core/kube/objects.ts";
import type { ProgramSettings } from "../policy/program-settings.ts";
import type { Situation } from "../policy/space/situation.ts";
import { World } from "../policy/world.ts";
import { readFolder } from "./folder.ts";
import type { Rim } from "./rim.ts";

/** Two states of a cluster's manifests. */
interface Compared {
  readonly before: readonly KubeObject[];
  readonly after: readonly KubeObject[];
}

export const sharedOption = (): Option =>
  new Option(
    "--objects <path>",
    "folder or file of what both have: pods, namespaces, nodes and the like; tiers and policies in it do not count",
  );

export async function readCompared(
  before: string,
  after: string,
  shared: string | undefined,
  rim: Pick<Rim, "note">,
): Promise<Compared> {
  const read = (path: string) => readFolder(path, (line) => rim.note(`${path}: ${line}`));
  const [old, now, both] = [await read(before), await read(after), shared === undefined ? [] : await read(shared)];
  const common = both.filter(({ kind }) => !isControl(kind));
  const compared = { before: withShared(old, common), after: withShared(now, common) };
  const sides = new Map([
    [before, compared.before],
    [after, compared.after],
  ]);
  for (const [path, objects] of sides) if (!objects.some(isSubject)) rim.note(`${path}: ${noPods}`);
  return compared;
}

const isSubject = ({ kind }: KubeObject) => kind === "Pod" || kind === "HostEndpoint";
const noPods = "there are no pods that policies could be about; --objects names those of the cluster";

/** All objects but the tiers and policies of these names (`name` or `namespace/name`). Throws USAGE where there is none of a name. */
export function withoutControls(objects: readonly KubeObject[], names: readonly string[]): readonly KubeObject[] {
  const isNamed = ({ kind, metadata: { name, namespace } }: KubeObject, text: string) =>
    isControl(kind) && (text === name || text === `${namespace}/${name}`);
  const missing = names.find((text) => !objects.some((object) => isNamed(object, text)));
  if (missing !== undefined)
    throw new SluiceError("USAGE", `there is no policy or tier "${missing}" here${hintFor(missing, objects)}`);
  return objects.filter((object) => !names.some((text) => isNamed(object, text)));
}

function hintFor(text: string, objects: readonly KubeObject[]): string {
  const controls = objects.filter(({ kind }) => isControl(kind));
  const paths = controls.map(({ metadata: { namespace, name } }) =>
    namespace === undefined || !text.includes("/") ? name : `${namespace}/${name}`,
  );
  return hint(text, paths);
}

export function situationOf(objects: readonly KubeObject[], settings: ProgramSettings): Situation {
  const world = new World(settings);
  world.apply(objects.map((object) => ({ type: "upsert", object })));
  return { program: world.program(), placement: world.placement() };
}

function isControl(kind: string): boolean {
  return kind === "Tier" || kind.endsWith("Policy");
}

/** What stands in the situation's own folder counts. */
function withShared(own: readonly KubeObject[], shared: readonly KubeObject[]): readonly KubeObject[] {
  const keys = new Set(own.map(keyOf));
  return [...shared.filter((object) => !keys.has(keyOf(object))), ...own];
}
