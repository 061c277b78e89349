import { join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { SluiceError } from "../../core/errors.ts";
import { Api } from "../../core/kube/api/api.ts";
import { connectionOf } from "../../core/kube/api/connection.ts";
import { folderSource } from "../../core/kube/folder.ts";
import type { KubeObject } from "../../core/kube/objects.ts";
import type { ObjectSource } from "../../core/kube/watch.ts";
import type { Log } from "../../core/log.ts";
import { definitions } from "../../deploy/objects/installation.ts";
import { ApiServer } from "../../lab/api-server/api-server.ts";
import { apiServerProgram, lacksApiServer } from "../../lab/api-server/build.ts";
import { labServer } from "../../lab/api-server/lab-server.ts";
import { settle } from "../../lab/api-server/settle.ts";
import { admissionKinds, tierControls } from "../install/tier-controls.ts";
import { people, rightsOfPeople, rulesAboutChanges } from "./people.ts";

export interface ApiClusterOptions {
  /** For the state of the server; it goes with whoever made it. */
  readonly scratch: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly say: (text: string) => void;
}

/** A real API server for the demo's cluster: kinds, tiers by RBAC and people with rights, and whatever a folder says. */
export class ApiCluster {
  readonly #options: ApiClusterOptions;
  readonly #server: ApiServer;

  private constructor(options: ApiClusterOptions, server: ApiServer) {
    this.#options = options;
    this.#server = server;
  }

  /** Throws DEPENDENCY_MISSING where there can be none. */
  static async start(options: ApiClusterOptions): Promise<ApiCluster> {
    const lacking = lacksApiServer();
    if (lacking !== undefined) throw new SluiceError("DEPENDENCY_MISSING", `--api-server: ${lacking}`);
    const program = await apiServerProgram(options.say);
    const server = new ApiServer({ ...labServer, program, folder: join(options.scratch, "api-server"), users: people });
    await server.start();
    options.say(`a Kubernetes API server is up; kubectl --kubeconfig ${server.kubeconfig()} get pods -A`);
    return new ApiCluster(options, server);
  }

  /** Of somebody who may all, unless a user is named. */
  kubeconfig(user?: string): string {
    return this.#server.kubeconfig(user);
  }

  get auditLog(): string {
    return this.#server.auditLog;
  }

  api(user?: string): Api {
    return new Api(connectionOf({ kubeconfig: this.#server.kubeconfig(user) }));
  }

  /** Puts in what Sluice brings to a cluster, then what the folder says, and follows the folder. `onSettled`: all is in. */
  async follow(folder: string, signal: AbortSignal, onSettled: () => void): Promise<void> {
    const { clock, log } = this.#options;
    const api = this.api();
    const common = { api, clock, log, signal };
    const brought = [...definitions(), ...tierControls(await admissionKinds(api)), ...rightsOfPeople];
    await settle({ ...common, source: sourceOf(brought) });
    await settle({ ...common, source: folderSource({ path: folder, clock, log }), onSettled });
  }

  /** Says which changes are authorised: from now on they are judged. */
  async ruleChanges(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    await settle({ api: this.api(), clock, log, signal, source: sourceOf(rulesAboutChanges) });
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}

/** Objects that are what they are. */
function sourceOf(objects: readonly KubeObject[]): ObjectSource {
  return {
    name: "objects",
    async *watch() {
      yield await Promise.resolve([
        ...objects.map((object) => ({ type: "upsert", object }) as const),
        { type: "synced" } as const,
      ]);
    },
  };
}
