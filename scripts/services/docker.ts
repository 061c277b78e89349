import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { ServiceName } from "./service.ts";

const composeFile = join(import.meta.dirname, "..", "..", "docker-compose.yml");

/** Whether an engine answers; the program alone is often there without one. */
export function hasDocker(): boolean {
  return spawnSync("docker", ["info"], { stdio: "ignore", timeout: 10_000 }).status === 0;
}

/** The services by their ports in docker-compose.yml. */
export function dockerEnv(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return {
    KAFKA_BROKERS: `127.0.0.1:${env["KAFKA_PORT"] ?? 9092}`,
    ELASTICSEARCH_URL: `http://127.0.0.1:${env["SEARCH_PORT"] ?? 9200}`,
    REDIS_URL: `redis://127.0.0.1:${env["REDIS_PORT"] ?? 6379}`,
  };
}

export function composeUp(names: readonly ServiceName[]): void {
  compose("up", "--detach", "--wait", ...names);
}

export function composeDown(): void {
  compose("down", "--volumes");
}

export function composeStatus(): void {
  compose("ps");
}

function compose(...args: readonly string[]): void {
  const { status } = spawnSync("docker", ["compose", "--file", composeFile, ...args], { stdio: "inherit" });
  if (status !== 0) throw new Error(`docker compose ${args.join(" ")} failed`);
}
