import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import { messageOf } from "../core/errors.ts";
import { silentLog } from "../core/log.ts";
import { type BreakGlass, isOpenOn, partedAt } from "../enforcer/break-glass.ts";
import { diff } from "../enforcer/diff.ts";
import { closedRuleset, openRuleset } from "../enforcer/fixed-rulesets.ts";
import { KeptFile } from "../enforcer/kept-file.ts";
import { modesOf } from "../enforcer/modes.ts";
import type { Nft } from "../enforcer/nft.ts";
import { ControlFolder } from "./control/folder.ts";
import { readState } from "./control/state.ts";
import { enforcerFolder, renderSettingsOf } from "./render-settings.ts";

/** What became of a node. */
export interface Restored {
  readonly did: "observes" | "left" | "opened" | "restored" | "closed";
  readonly sentence: string;
}

export interface RestoreOptions {
  readonly node: string;
  readonly nft: Nft;
  readonly config: Config;
  readonly clock: Clock;
}

/** Loads the last good rules of a node, before anybody can tell which are wanted. Without any, pods are closed. */
export async function restore({ node, nft, config, clock }: RestoreOptions): Promise<Restored> {
  if (!modesOf(config.enforcer).hasRules(node))
    return { did: "observes", sentence: `${node} only observes: no rules are loaded` };
  if ((await nft.list()) !== undefined)
    return { did: "left", sentence: `${node} has rules of ours in force already: they are left as they are` };
  if (isOpenOn(node, await breakGlassNow(config, clock))) {
    await nft.apply(diff(undefined, openRuleset));
    return { did: "opened", sentence: `break-glass is on: ${node} is left open` };
  }
  const file = new KeptFile({ folder: enforcerFolder(config.data.folder), node, clock, log: silentLog });
  try {
    const kept = await file.load();
    if (kept !== undefined) {
      await nft.apply(diff(undefined, kept.ruleset));
      const rules = [...kept.ruleset.chains.values()].reduce((sum, chain) => sum + chain.rules.length, 0);
      const sentence = `the last good rules of ${node} are in force: ${rules} rules, policies ${kept.revision ?? "(none)"}`;
      return { did: "restored", sentence };
    }
    return await close("none was kept");
  } catch (thrown) {
    return await close(messageOf(thrown));
  }

  async function close(why: string): Promise<Restored> {
    await nft.apply(diff(undefined, closedRuleset(node, renderSettingsOf(config))));
    const sentence = `${node} has no last good rules (${why}): its pods are closed until policies are known, the node itself is not`;
    return { did: "closed", sentence };
  }
}

/** A state that cannot be read opens nothing. */
async function breakGlassNow({ data, enforcer }: Config, clock: Clock): Promise<readonly BreakGlass[]> {
  const state = await readState(new ControlFolder(data.folder)).catch(() => undefined);
  return partedAt(state?.breakGlass ?? [], clock.now(), enforcer.breakGlassMaxMs).on;
}
