import type { Config } from "../core/config.ts";
import { defaultSettings } from "../enforcer/render.ts";
import type { RenderSettings } from "../enforcer/renderer.ts";

/** How rulesets are made, as the operator has set it. */
export function renderSettingsOf({ enforcer, collector }: Pick<Config, "enforcer" | "collector">): RenderSettings {
  const { podInterfacePrefixes: podInterfaces, deny, podToHost, antiSpoofing, unknownEndpoints } = enforcer;
  const logGroup = collector.nflogGroup;
  return { ...defaultSettings, podInterfaces, deny, podToHost, antiSpoofing, unknownEndpoints, logGroup };
}
