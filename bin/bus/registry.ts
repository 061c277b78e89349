import type { Config } from "../../core/config.ts";
import { type RegistryAccess, SchemaRegistry } from "../../core/schema-registry.ts";
import { readFor } from "./connection.ts";

/** Undefined: there is none, schemas travel with the messages. */
export function registryOf({ schemaRegistry }: Config): SchemaRegistry | undefined {
  const { url, username, passwordFile, caFile } = schemaRegistry;
  if (url === "") return undefined;
  const access = (): RegistryAccess => ({
    ...(username === "" ? {} : { username, password: readFor("schemaRegistry.password-file", passwordFile).trim() }),
    ...(caFile === "" ? {} : { authorities: readFor("schemaRegistry.ca-file", caFile) }),
  });
  access(); // a wrong file is told at start
  return new SchemaRegistry({ url, access });
}
