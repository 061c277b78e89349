import type { Deed } from "../../core/kube/deed.ts";
import { textIn } from "../../core/kube/field.ts";
import type { ChangeRecord, ControlChange } from "../../core/records/change.ts";
import { canonicalJson, contentHash } from "../../policy/hash.ts";
import { authorshipOfDeed } from "../evidence/authorship.ts";
import { whoText } from "../who-text.ts";
import { withoutSecrets } from "./asked.ts";
import type { Json } from "./json-diff.ts";

/** Of what somebody asked for and was refused. All of it is from the deed, so told twice it is one record. */
export function attemptRecord(deed: Deed, cluster: string): ChangeRecord {
  const { from, to, who, verb, refusal, target } = deed;
  const { actor, request, notes } = authorshipOfDeed(deed);
  const { message = "", asked = null } = refusal ?? {};
  const record: Omit<ChangeRecord, "id"> = {
    cluster,
    node: null,
    kind: "control",
    start: Math.round(from * 1_000),
    foundAt: Math.round(to * 1_000),
    end: null,
    actor,
    object: titleOf(deed),
    summary: `${whoText(who)} was refused to ${verb} ${titleOf(deed)}`,
    diff: [],
    outcome: "unknown",
    outcomeDetail: message,
    request,
    control: {
      ...nothing,
      verb: verb === "patch" ? "update" : verb,
      apiVersion: target.group === "" ? target.version : `${target.group}/${target.version}`,
      kind: kindOf(deed),
      namespace: target.namespace,
      name: target.name ?? "",
      uid: target.uid,
      after: asked === null || verb === "delete" ? null : canonicalJson(withoutSecrets(JSON.parse(asked) as Json)),
      reasons: ["the API server refused it"],
      notes: [
        ...notes,
        ...(deed.tier === null ? [] : [`in tier ${deed.tier}`]),
        ...(verb === "patch" && asked !== null ? ["after is the patch that was asked for"] : []),
      ],
    },
  };
  return { id: contentHash({ deed: deed.id, ...record }, 32), ...record };
}

const nothing: ControlChange = {
  verb: "unknown",
  refused: true,
  foundAtStart: false,
  subject: "attempt",
  apiVersion: "",
  kind: "",
  namespace: null,
  name: "",
  uid: null,
  resourceVersionBefore: null,
  resourceVersionAfter: null,
  before: null,
  after: null,
  diff: [],
  effect: [],
  effectState: "none",
  moreOpens: 0,
  moreCloses: 0,
  effectWords: "",
  programBefore: null,
  programAfter: null,
  authorised: "no",
  reasons: [],
  notes: [],
};

/** `NetworkPolicy prod/app.web`; where nobody told the kind, as the API server names what there are many of. */
function titleOf(deed: Deed): string {
  const { namespace, name } = deed.target;
  const path = [namespace, name].filter((part) => part !== null).join("/");
  return `${kindOf(deed)}${path === "" ? "" : ` ${path}`}`;
}

function kindOf({ verb, target, refusal }: Deed): string {
  const isWhole = verb === "create" || verb === "update";
  const kind = isWhole ? textIn(JSON.parse(refusal?.asked ?? "null"), "kind") : undefined;
  return kind ?? `${target.resource}${target.group === "" ? "" : `.${target.group}`}`;
}
