import { type Elastic, granted } from "./elastic.ts";
import { type Step, stepOf, type Template, type TemplateBody } from "./templates.ts";

export interface Applied {
  readonly template: Template;
  readonly step: Step;
}

const places = { component: "_component_template", index: "_index_template" } as const;

/**
 * Brings the templates up to date, one after the other: twice is as once. What a person changed stays as it is unless `force`; what a later
 * Sluice wrote stays in any case. With `dry`, says only what would be done.
 */
export async function applyTemplates(
  elastic: Elastic,
  templates: readonly Template[],
  { force, dry = false, signal }: { readonly force: boolean; readonly dry?: boolean; readonly signal: AbortSignal },
): Promise<readonly Applied[]> {
  const applied: Applied[] = [];
  for (const template of templates) {
    const step = stepOf(template, await found(elastic, template, signal), force);
    if (!dry && (step === "create" || step === "update")) await put(elastic, template, signal);
    applied.push({ template, step });
  }
  return applied;
}

interface Found {
  readonly component_templates?: readonly { readonly component_template: TemplateBody }[];
  readonly index_templates?: readonly { readonly index_template: TemplateBody }[];
}

async function found(
  elastic: Elastic,
  { kind, name }: Template,
  signal: AbortSignal,
): Promise<TemplateBody | undefined> {
  const answer = await elastic.ask<Found>({ method: "GET", path: `/${places[kind]}/${name}` }, signal);
  if (answer.status === 404) return undefined;
  const body = granted(answer, `template ${name}`);
  return body.component_templates?.[0]?.component_template ?? body.index_templates?.[0]?.index_template;
}

async function put(elastic: Elastic, { kind, name, body }: Template, signal: AbortSignal): Promise<void> {
  granted(await elastic.ask({ method: "PUT", path: `/${places[kind]}/${name}`, body }, signal), `template ${name}`);
}
