import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { claimFolder } from "../../core/data-folder.ts";

describe("claimFolder", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(`${tmpdir()}/sluice-data-`);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("makes a new folder ours, and says of which format it is", async () => {
    const claim = await claimFolder(`${folder}/new`);
    assert.equal(await readFile(`${folder}/new/FORMAT`, "utf8"), "sluice 2\n");
    await claim.release();
  });

  it("is refused while it is held, naming the process, and granted afterwards", async () => {
    const claim = await claimFolder(folder);
    const message = `data folder ${folder} is in use by process ${process.pid}; stop it or choose another folder`;
    await assert.rejects(claimFolder(folder), { code: "DATA_IN_USE", message });
    await claim.release();
    await (await claimFolder(folder)).release();
  });

  it("grants one of many that ask at once", async () => {
    await writeFile(`${folder}/LOCK`, "4711\n"); // as a process that is gone left it
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => claimFolder(folder)));
    const granted = asked.filter((one) => one.status === "fulfilled");
    assert.equal(granted.length, 1);
    for (const { value } of granted) await value.release();
  });

  it("is granted when its holder was killed", async () => {
    const program = `
      const { claimFolder } = await import(${JSON.stringify(new URL("../../core/data-folder.ts", import.meta.url).href)});
      await claimFolder(${JSON.stringify(folder)});
      console.log("held");
      setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(holder.stdout, "data");
    await assert.rejects(claimFolder(folder), { code: "DATA_IN_USE", message: new RegExp(`process ${holder.pid};`) });
    holder.kill("SIGKILL");
    await once(holder, "exit");
    await (await claimFolder(folder)).release();
  });

  for (const { format, outcome } of [
    { format: "sluice 0", outcome: "refused" },
    { format: "sluice 3", outcome: "refused" },
    { format: "sluice 1", outcome: "refused" },
    { format: "x".repeat(1000), outcome: "refused" },
    { format: "sluice 2", outcome: "taken" },
    { format: "", outcome: "taken" }, // a crash right after the file was made
  ])
    it(`format "${format.slice(0, 10)}" is ${outcome}`, async () => {
      await writeFile(`${folder}/FORMAT`, format);
      const claimed = claimFolder(folder);
      if (outcome === "taken") return (await claimed).release();
      await assert.rejects(claimed, { code: "DATA_VERSION", message: /this version reads "sluice 2" only/ });
      await writeFile(`${folder}/FORMAT`, "sluice 2\n");
      await (await claimFolder(folder)).release(); // a refusal leaves no claim behind
    });
});
