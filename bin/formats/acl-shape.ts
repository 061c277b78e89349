import type { Acl } from "../../core/bus-kafka/acls.ts";
import type { RoleName } from "../bus/roles.ts";
import type { Shape } from "./format.ts";

export interface RoleAcl extends Acl {
  readonly role: RoleName;
}

export const aclShape: Shape<RoleAcl> = {
  objectOf: ({ role, resource, name, pattern, operations }) => ({
    type: "acl",
    role,
    resource,
    name,
    pattern,
    operations,
  }),
  nameOf: ({ role, resource, name }) => `${role}/${resource}/${name}`,
  columns: [
    { header: "role", cell: ({ role }) => role },
    { header: "resource", cell: ({ resource }) => resource },
    { header: "name", cell: ({ name, pattern }) => (pattern === "prefixed" ? `${name}*` : name) },
    { header: "operations", cell: ({ operations }) => operations.join(", ") },
  ],
};
