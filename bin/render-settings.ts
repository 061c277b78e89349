import type { Config } from "../core/config.ts";
import { defaultSettings } from "../enforcer/render.ts";
import type { RenderSettings } from "../enforcer/renderer.ts";

/** What the configuration says of rulesets. */
export function renderSettingsOf({ enforcer, collector }: Config): RenderSettings {
  return { ...defaultSettings, podInterfaces: enforcer.podInterfacePrefixes, logGroup: collector.nflogGroup };
}
