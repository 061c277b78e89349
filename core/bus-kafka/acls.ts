import type { Admin } from "kafkajs";
import kafkajs from "kafkajs";
import type { Log } from "../log.ts";
import { withAdmin } from "./admin.ts";
import type { KafkaConnection } from "./connection.ts";

/** A right on things of the brokers. */
export interface Acl {
  readonly resource: "topic" | "group" | "transaction" | "cluster";
  /** Of a transaction its id; `kafka-cluster` is the name of the cluster. */
  readonly name: string;
  /** prefixed: of everything whose name begins so. */
  readonly pattern: "literal" | "prefixed";
  readonly operations: readonly AclOperation[];
}

export type AclOperation = "Read" | "Write" | "Describe" | "DescribeConfigs" | "Create" | "Alter" | "AlterConfigs";

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

const resources = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  transaction: AclResourceTypes.TRANSACTIONAL_ID,
  cluster: AclResourceTypes.CLUSTER,
} as const;
const patterns = { literal: ResourcePatternTypes.LITERAL, prefixed: ResourcePatternTypes.PREFIXED } as const;
const operations: Readonly<Record<AclOperation, number>> = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Describe: AclOperationTypes.DESCRIBE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
  Create: AclOperationTypes.CREATE,
  Alter: AclOperationTypes.ALTER,
  AlterConfigs: AclOperationTypes.ALTER_CONFIGS,
};

/** Gives a principal (`User:collector`) these rights, from everywhere. What it has already stays. */
export function applyAcls(
  connection: KafkaConnection,
  principal: string,
  acls: readonly Acl[],
  log: Log,
): Promise<void> {
  const acl = acls.flatMap(({ resource, name, pattern, operations: wanted }) =>
    wanted.map((operation) => ({
      resourceType: resources[resource],
      resourceName: name,
      resourcePatternType: patterns[pattern],
      principal,
      host: "*",
      operation: operations[operation],
      permissionType: AclPermissionTypes.ALLOW,
    })),
  );
  return withAdmin(connection, log, async (admin: Admin) => {
    await admin.createAcls({ acl });
  });
}
