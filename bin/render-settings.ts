import type { Config } from "../core/config.ts";
import { defaultSettings, type RenderSettings } from "../enforcer/render.ts";

/** What the configuration says of rulesets. */
export function renderSettingsOf({ enforcer, collector }: Config): RenderSettings {
  return { ...defaultSettings, podInterfaces: enforcer.podInterfacePrefixes, logGroup: collector.nflogGroup };
}
