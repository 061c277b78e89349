import { Document, isMap, isScalar, stringify } from "yaml";
import { z } from "zod";
import { tierControls } from "../../bin/install/tier-controls.ts";
import { tierManifests } from "../../controls/tiers/manifests.ts";
import { configFileSchema } from "../../core/config.ts";
import { keyOf } from "../../core/kube/objects.ts";
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
    ["chart/templates/tiers.yaml", tiersText()],
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

/** As they stand in deploy/: no template is in them. */
function tiersText(): string {
  const needs = (kind: string) => `.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/${kind}"`;
  const text = (objects: readonly object[]) => objects.map((object) => `---\n${yamlOf(object)}`).join("");
  const always = tierControls(new Set());
  const parts = tierManifests.flatMap(({ needs: kind }) => {
    if (kind === undefined) return [];
    const added = tierControls(new Set([kind])).filter((each) => !always.some((one) => keyOf(one) === keyOf(each)));
    return [`{{- if ${needs(kind)} }}\n${text(added)}{{- end }}\n`];
  });
  const whole = `${text(always)}${parts.join("")}`;
  const begun = whole.match(/\{\{/g)?.length ?? 0;
  if (begun !== 2 * parts.length)
    throw new Error("deploy/admission or deploy/roles hold what a template would take for its own");
  return `${header}{{- if .Values.tiers.enabled }}\n${whole}{{- end }}\n`;
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

const yamlOf = (object: object) => stringify(object, { aliasDuplicateObjects: false, lineWidth: 0 });

function documentText(object: Parameters<typeof helmText>[0]): string {
  return `---\n${helmText(object)}\n`;
}
