import type { Config } from "../core/config.ts";
import { defaultSettings, type RenderSettings } from "../enforcer/render.ts";

/** How rules are written, by the configuration. */
export function renderSettings({ enforcer, collector }: Config): RenderSettings {
  return {
    ...defaultSettings,
    podInterfaces: enforcer.podInterfacePrefixes,
    logGroup: collector.nflogGroup,
    // Where only some namespaces are enforced, nobody else is to be denied anything.
    unknownEndpoints: enforcer.mode === "enforce" ? defaultSettings.unknownEndpoints : "allow",
  };
}

/** Where last good rulesets are kept, one a node. */
export const enforcerFolder = (dataFolder: string): string => `${dataFolder}/enforcer`;
