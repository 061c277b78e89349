import type { Running } from "./processes.ts";

export type ServiceName = "kafka" | "elasticsearch" | "redis";

/** Where a service has come up: variables with its address, e.g. `KAFKA_BROKERS=127.0.0.1:9092`. */
export interface StartedService extends Running {
  readonly env: Readonly<Record<string, string>>;
}

/** A service that starts as a process of this machine, without docker. */
export interface LocalService {
  readonly name: ServiceName;
  /** What of this machine keeps it from starting. */
  lacks(): string | undefined;
  start(where: StartPlace): Promise<StartedService>;
}

export interface StartPlace {
  /** For what can be had again (jars), shared by all instances. */
  readonly cache: string;
  /** Of this instance: its data, `out.log`. */
  readonly data: string;
  readonly port: number;
  /** Lines for its properties, where `@PORT@` and its like are filled in (Kafka), `name=value` (Elasticsearch), arguments (Redis). */
  readonly settings: readonly string[];
  /** Known from the start, by SCRAM (Kafka). */
  readonly users: readonly ServiceUser[];
}

export interface ServiceUser {
  readonly name: string;
  readonly password: string;
}
