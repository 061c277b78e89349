/** A file of deploy/ that an installation applies, several objects in it. */
export interface ControlManifest {
  /** Below deploy/. */
  readonly file: string;
  /** A kind of admissionregistration.k8s.io/v1 that older clusters do not serve: without it the file is left out. */
  readonly needs?: "MutatingAdmissionPolicy";
}

/** What makes tiers by RBAC, in the order in which it is applied: roles first, so that nobody who has them is shut out in between. */
export const tierManifests: readonly ControlManifest[] = [
  { file: "roles/parts.yaml" },
  { file: "roles/roles.yaml" },
  { file: "admission/fixed-tiers.yaml" },
  { file: "admission/tier-finalizer.yaml" },
  { file: "admission/tier-names.yaml" },
  { file: "admission/tier-rbac.yaml" },
  { file: "admission/tier-label.yaml", needs: "MutatingAdmissionPolicy" },
];
