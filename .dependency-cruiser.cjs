// The one-way rule of docs/design.md as a program: which folder may import which.
const folders = "core|policy|controls|collectors|enrichers|sinks|enforcer|compliance|console|bin|lab|deploy";
const only = (name, from, allowed, comment) => ({
  name,
  severity: "error",
  comment,
  from: { path: `^${from}/` },
  to: { path: `^(${folders}|test|scripts)/`, pathNot: `^(${[from, ...allowed].join("|")})/` },
});

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    only("core-imports-nothing-of-ours", "core", [], "core is the bottom layer"),
    only("policy-imports-core", "policy", ["core"], "policy is pure: it knows only core"),
    only("collectors-import-core", "collectors", ["core"], "siblings meet on the bus or in bin"),
    only("enrichers-import-core-and-policy", "enrichers", ["core", "policy"], "siblings meet on the bus or in bin"),
    only("sinks-import-core", "sinks", ["core"], "siblings meet on the bus or in bin"),
    only("enforcer-imports-core-and-policy", "enforcer", ["core", "policy"], "siblings meet on the bus or in bin"),
    only("controls-imports-core-and-policy", "controls", ["core", "policy"], "siblings meet on the bus or in bin"),
    only(
      "deploy-imports-core-and-policy",
      "deploy",
      ["core", "policy", "bin/objects"],
      "what is deployed is described without doing it",
    ),
    only("lab-imports-core", "lab", ["core"], "the lab is a cluster, it knows no product code but core"),
    {
      name: "policy-does-no-io",
      severity: "error",
      comment: "pure code: no node built-in but crypto's hash, no process, no clock",
      from: { path: "^policy/" },
      to: { dependencyTypes: ["core"], pathNot: "^(node:)?crypto$" },
    },
    {
      name: "product-does-not-import-tests",
      severity: "error",
      from: { path: `^(${folders})/` },
      to: { path: "^test/" },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^node_modules" },
  },
};
