import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { dockerfileFaults } from "../../../scripts/deploy/dockerfile.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const text = readFileSync(join(root, "deploy/Dockerfile"), "utf8");
const ignore = readFileSync(join(root, "deploy/Dockerfile.dockerignore"), "utf8");

const cases: readonly { title: string; change: readonly [string | RegExp, string]; says: RegExp }[] = [
  { title: "a copy of what is not there", change: ["COPY bin ./bin", "COPY bins ./bin"], says: /no file bins/ },
  { title: "a folder that is forgotten", change: [/COPY enrichers.*\n/, ""], says: /asks for enrichers\/.*not copied/ },
  {
    title: "a script that is forgotten",
    change: ["scripts/check-kernel.sh ", ""],
    says: /asks for scripts\/check-kernel\.sh/,
  },
  { title: "a stage that is not there", change: ["--from=packages", "--from=package"], says: /no stage package/ },
  { title: "an instruction that is none", change: ["WORKDIR", "WORKDIRS"], says: /WORKDIRS is no instruction/ },
  { title: "a process that runs as root", change: ["USER sluice", "USER root"], says: /runs as root/ },
  { title: "a user that nobody names", change: [/USER .*\n/, ""], says: /runs as root/ },
  { title: "a check of health that is not there", change: ['healthcheck.ts"]', 'health.ts"]'], says: /HEALTHCHECK/ },
  {
    title: "a shell that gets the signals",
    change: ['ENTRYPOINT ["sluice"]', "ENTRYPOINT sluice"],
    says: /a shell gets/,
  },
  {
    title: "a setting that is none",
    change: ["SLUICE_DATA_FOLDER", "SLUICE_DATA_DIR"],
    says: /SLUICE_DATA_DIR is no setting/,
  },
];

describe("scripts/deploy/dockerfile", () => {
  it("finds nothing wrong with deploy/Dockerfile", () => {
    assert.deepEqual(dockerfileFaults(text, ignore, root), []);
  });
  for (const { title, change, says } of cases)
    it(`finds ${title}`, () => {
      const changed = text.replace(...(change as [string, string]));
      assert.notEqual(changed, text);
      assert.match(dockerfileFaults(changed, ignore, root).join("\n"), says);
    });
  it("finds what .dockerignore leaves out", () => {
    assert.match(dockerfileFaults(text, ignore.replace("!policy\n", ""), root).join("\n"), /policy is left out/);
  });
});
