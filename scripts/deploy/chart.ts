import { Document, isMap, isScalar, stringify } from "yaml";
import { z } from "zod";
import { configFileSchema } from "../../core/config.ts";
import { groups } from "../../deploy/objects/all.ts";
import { helmText } from "../../deploy/objects/helm-text.ts";
import { valuesSchema } from "../../deploy/objects/values.ts";

// The files of the Helm chart, by their paths below deploy/.

const header = "# Generated from deploy/objects by scripts/generate-deploy.ts; do not edit.\n";

export function chartFiles(version: string): readonly (readonly [string, string])[] {
  return [
    ["chart/Chart.yaml", header + stringify(about(version))],
    ["chart/values.yaml", header + valuesText(version)],
    ["chart/values.schema.json", `${JSON.stringify(schemaOf(version), null, 2)}\n`],
    ["chart/templates/NOTES.txt", notes],
    ...groups.map(
      ({ name, objects }) =>
        [`chart/templates/${name}.yaml`, `${header}${objects.map(documentText).join("")}`] as const,
    ),
  ];
}

function about(version: string): object {
  return {
    apiVersion: "v2",
    name: "sluice",
    type: "application",
    description: "Network-security controls for Kubernetes, and the evidence that they work",
    version,
    appVersion: version,
    // CEL in selectors of admission policies, selectable fields of CRDs.
    kubeVersion: ">=1.31.0-0",
  };
}

const notes = `Sluice is installed in {{ .Release.Namespace }}. Its namespace must admit privileged pods:

  kubectl label namespace {{ .Release.Namespace }} pod-security.kubernetes.io/enforce=privileged

{{ if ne (dig "enforcer" "mode" "enforce" .Values.config) "enforce" -}}
Nothing is blocked yet: config.enforcer.mode is not "enforce".
{{- end }}
`;

type Schema = Readonly<Record<string, unknown>> & { readonly properties?: Readonly<Record<string, Schema>> };

/** JSON Schema by which Helm checks values. */
function schemaOf(version: string): Schema {
  const schema = z.toJSONSchema(valuesSchema(version), { io: "input" }) as Schema;
  const { $schema: _, ...config } = configFileSchema() as Schema;
  const { config: own, ...others } = schema.properties ?? {};
  // Charts that hold this one give it values of their own.
  const global: Schema = { type: "object" };
  return { ...schema, properties: { config: { ...config, description: own?.["description"] }, ...others, global } };
}

/** The defaults, each with what it means above it. */
function valuesText(version: string): string {
  const document = new Document(valuesSchema(version).parse({}));
  describe(document.contents, schemaOf(version));
  return document.toString({ lineWidth: 0 });
}

function describe(node: unknown, schema: Schema): void {
  if (!isMap(node)) return;
  for (const { key, value } of node.items) {
    const of = schema.properties?.[isScalar(key) ? String(key.value) : ""];
    if (of === undefined || !isScalar(key)) continue;
    if (typeof of["description"] === "string") key.commentBefore = ` ${of["description"]}`;
    if (key.value !== "config") describe(value, of);
  }
}

function documentText(object: Parameters<typeof helmText>[0]): string {
  return `---\n${helmText(object)}\n`;
}
