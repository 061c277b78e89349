import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiServer, type ApiServerOptions } from "../../lab/api-server/api-server.ts";
import { apiServerProgram, lacksApiServer } from "../../lab/api-server/build.ts";

/** For a describe that works with a Kubernetes API server of its own: started before, removed after. Options may be known only in its `before`. */
export function needsApiServer(
  options:
    | Omit<ApiServerOptions, "program" | "folder">
    | (() => Promise<Omit<ApiServerOptions, "program" | "folder">>) = {},
): () => ApiServer {
  let server: ApiServer | undefined;
  before(async function () {
    this.timeout(1_200_000); // it may have to be built
    const lacking = lacksApiServer();
    if (lacking !== undefined && process.env["CI"] !== undefined) throw new Error(`${lacking}, and CI is set`);
    if (lacking !== undefined) {
      console.log(`skipped: ${lacking}`);
      this.skip();
    }
    const program = await apiServerProgram((line) => console.log(`      ${line}`));
    const chosen = typeof options === "function" ? await options() : options;
    server = new ApiServer({ ...chosen, program, folder: mkdtempSync(join(tmpdir(), "sluice-api-server-")) });
    await server.start();
  });
  after(async function () {
    this.timeout(20_000);
    await server?.remove();
  });
  return () => server as ApiServer;
}
