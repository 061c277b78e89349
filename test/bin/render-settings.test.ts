import assert from "node:assert/strict";
import { renderSettingsOf } from "../../bin/render-settings.ts";
import { parseConfig } from "../../core/config.ts";
import { defaultSettings } from "../../enforcer/render.ts";

describe("bin/render-settings", () => {
  it("are the renderer's own where the operator set nothing", () => {
    assert.deepEqual(renderSettingsOf(parseConfig({})), defaultSettings);
  });

  it("are what the operator set", () => {
    const fileText = `
enforcer: { podInterfacePrefixes: [veth], deny: reject, antiSpoofing: false, unknownEndpoints: allow }
collector: { nflogGroup: 9 }`;
    assert.deepEqual(renderSettingsOf(parseConfig({ fileText })), {
      ...defaultSettings,
      ...{ podInterfaces: ["veth"], deny: "reject" },
      ...{ antiSpoofing: false, unknownEndpoints: "allow", logGroup: 9 },
    });
  });
});
