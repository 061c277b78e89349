/** The parts that all Kubernetes objects share. `spec` and the rest are validated by whoever reads that kind. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly controller?: boolean;
}

/** Names one object: `projectcalico.org/v3/NetworkPolicy/prod/app.web`. */
export function keyOf(object: KubeObject): string {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace } = metadata;
  return (namespace === undefined ? [apiVersion, kind, name] : [apiVersion, kind, namespace, name]).join("/");
}
