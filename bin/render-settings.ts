import type { Config } from "../core/config.ts";
import { defaultSettings } from "../enforcer/render.ts";
import type { RenderSettings } from "../enforcer/renderer.ts";

/** How rulesets are made, as the operator has set it. */
export function renderSettingsOf({ enforcer, collector }: Pick<Config, "enforcer" | "collector">): RenderSettings {
  const { podInterfacePrefixes: podInterfaces, deny, antiSpoofing, unknownEndpoints, logRate } = enforcer;
  const logGroup = collector.nflogGroup;
  // Where only some namespaces are enforced, nobody else is to be denied anything.
  const strangers = enforcer.mode === "enforce" ? unknownEndpoints : "allow";
  const given = { podInterfaces, deny, antiSpoofing, unknownEndpoints: strangers, logGroup, logRate };
  return { ...defaultSettings, ...given };
}

/** Where last good rulesets are kept, one a node. */
export const enforcerFolder = (dataFolder: string): string => `${dataFolder}/enforcer`;
