import { aborted } from "../core/aborted.ts";
import { type Clock, isoTime } from "../core/clock.ts";
import { SluiceError } from "../core/errors.ts";
import { type KubeObject, keyOf } from "../core/kube/objects.ts";
import type { Log } from "../core/log.ts";
import { callsFrom } from "./call-plan.ts";
import type { Lab } from "./lab.ts";
import { ManifestFolder } from "./manifest-folder.ts";
import type { Scenario, ScenarioStep } from "./scenario.ts";
import type { CallTotals } from "./traffic/messages.ts";

export interface ScenarioRun {
  /** Up, or coming up in turn. */
  readonly lab: Lab;
  readonly scenario: Scenario;
  /** A working copy of the manifests; steps edit it. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Told after each step. */
  readonly onStep?: (step: ScenarioStep) => void;
}

/** Plays a scenario until the signal aborts. Returns what became of each call. */
export async function runScenario(run: ScenarioRun): Promise<CallTotals[]> {
  const { lab, scenario, signal } = run;
  await lab.startAgents();
  const totals: CallTotals[] = [];
  await startCalls(run, new Set(scenario.calls.map(({ from }) => from)));
  const started = run.clock.monotonic();
  for (const step of [...scenario.steps].sort((a, b) => a.atMs - b.atMs)) {
    await run.clock.sleep(Math.max(0, started + step.atMs - run.clock.monotonic()), signal);
    if (signal.aborted) break;
    totals.push(...(await perform(run, step)));
    run.onStep?.(step);
  }
  if (!signal.aborted) await aborted(signal);
  return [...totals, ...(await stopCalls(lab, scenario))];
}

function perform(run: ScenarioRun, step: ScenarioStep): Promise<CallTotals[]> {
  return "replacePod" in step ? replacePod(run, step.replacePod) : patchLabels(run, step.patchLabels);
}

type ReplacePod = Extract<ScenarioStep, { replacePod: unknown }>["replacePod"];
type PatchLabels = Extract<ScenarioStep, { patchLabels: unknown }>["patchLabels"];

/** In the order of real life: a pod's object goes when its network is gone, and gets its address when the network is there. */
async function replacePod(run: ScenarioRun, { remove, create }: ReplacePod): Promise<CallTotals[]> {
  const { lab, log, clock } = run;
  const folder = new ManifestFolder(run.folder);
  const object = born(create as KubeObject, clock.now());
  const id = `${object.metadata.namespace}/${object.metadata.name}`;
  const totals = await (await lab.agent(remove)).stop();
  await lab.removePod(remove);
  await folder.remove(`v1/Pod/${remove}`);
  await lab.addPod(object);
  await folder.add(object);
  await lab.agent(id);
  await startCalls(run, new Set([`pod:${id}`]));
  log.info({ removed: remove, created: id }, "a pod was replaced");
  return totals;
}

async function patchLabels(run: ScenarioRun, patch: PatchLabels): Promise<CallTotals[]> {
  const { kind, namespace, name, labels } = patch;
  const key = keyOf({ apiVersion: "v1", kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } });
  const object = await new ManifestFolder(run.folder).patchLabels(key, labels);
  if (kind === "Pod") await run.lab.updateServices([object]);
  run.log.info({ object: key, labels }, "labels were changed");
  return [];
}

function born(object: KubeObject, now: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, creationTimestamp: isoTime(now) } };
}

/** Starts the calls of these callers, as far as they exist by now. */
async function startCalls({ lab, scenario }: ScenarioRun, callers: ReadonlySet<string>): Promise<void> {
  const present = [...callers].filter((caller) => exists(lab, caller));
  await Promise.all(
    present.map(async (caller) =>
      (await lab.agent(agentOf(caller))).start(callsFrom(caller, scenario.calls, lab.plan)),
    ),
  );
}

async function stopCalls(lab: Lab, scenario: Scenario): Promise<CallTotals[]> {
  const callers = [...new Set(scenario.calls.map(({ from }) => from))].filter((caller) => exists(lab, caller));
  const stopped = await Promise.all(callers.map(async (caller) => (await lab.agent(agentOf(caller))).stop()));
  return stopped.flat();
}

/** A pod may come later. Nodes and external hosts are there from the start, or a mistake. */
function exists(lab: Lab, caller: string): boolean {
  const { nodes, externals, pods } = lab.plan;
  const [kind, name] = [caller.slice(0, caller.indexOf(":")), caller.slice(caller.indexOf(":") + 1)];
  if (kind === "pod") return pods.some(({ id }) => id === name);
  if ([...(kind === "node" ? nodes : externals)].some((host) => host.name === name)) return true;
  throw new SluiceError("MANIFEST_INVALID", `Scenario: a call comes from ${caller}, which does not exist`);
}

const agentOf = (caller: string): string => caller.replace(/^pod:/, "");
