import type { Component, Volume } from "./component.ts";
import { labelsOf } from "./labels.ts";
import { configName, nameOf } from "./names.ts";
import { type Fields, type Hole, hash, type Template, text, value, when } from "./template.ts";

/** What differs between pods of nodes and others. */
interface PodKind {
  readonly component: Component;
  readonly metricsAddress: string;
  readonly securityContext: Fields;
  readonly container: Fields;
}

export const image: Hole = text`${value("image.repository")}:${value("image.tag")}`;

/** Nobody in particular; deploy/Dockerfile makes this user. */
const unprivileged = { runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001 };
const noCapabilities = { capabilities: { drop: ["ALL"] } };

export const podTemplate = (component: Component): Fields =>
  template({
    component,
    metricsAddress: "metrics.podAddress",
    securityContext: unprivileged,
    container: noCapabilities,
  });

/** A pod that works in the kernel of its node, as root with these capabilities alone. */
export const nodePodTemplate = (component: Component, capabilities: readonly Template[]): Fields =>
  template({
    component,
    metricsAddress: "metrics.nodeAddress",
    securityContext: { runAsUser: 0 },
    container: { capabilities: { drop: ["ALL"], add: capabilities } },
  });

function template(kind: PodKind): Fields {
  const { component, securityContext } = kind;
  const { name, readsObjects, pod = {} } = component;
  return {
    metadata: { labels: labelsOf(name), annotations: { "sluice.dev/config": hash("config") } },
    spec: {
      serviceAccountName: nameOf(name),
      automountServiceAccountToken: typeof readsObjects === "string" ? value(readsObjects) : readsObjects,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 30,
      securityContext: { ...securityContext, seccompProfile: { type: "RuntimeDefault" } },
      imagePullSecrets: when("image.pullSecrets", value("image.pullSecrets")),
      nodeSelector: value(`${name}.nodeSelector`),
      tolerations: value(`${name}.tolerations`),
      ...pod,
      containers: [container(kind)],
      volumes: volumesOf(component).map(({ name, from, condition }) => optional(condition, { name, ...from })),
    },
  };
}

function container({ component, metricsAddress, container }: PodKind): Fields {
  const { name, args, env = [], readsObjects, serves } = component;
  const asked = (path: string, more: Fields) => ({ httpGet: { path, port: "metrics" }, timeoutSeconds: 5, ...more });
  return {
    name: "sluice",
    image,
    imagePullPolicy: value("image.pullPolicy"),
    args,
    env: [
      ...env,
      ...(readsObjects === false ? [] : [objectsSource(readsObjects)]),
      { name: "SLUICE_CONFIG", value: "/etc/sluice/config/sluice.yaml" },
      { name: "SLUICE_METRICS_LISTEN", value: text`${value(metricsAddress)}:${value("metrics.port")}` },
    ],
    ports: [{ name: "metrics", containerPort: value("metrics.port"), protocol: "TCP" }, ...portsOf(serves)],
    // A start may have to read much: the whole table of connections, all objects, what Kafka holds of the last hours.
    startupProbe: asked("/healthz", { periodSeconds: 5, failureThreshold: 120 }),
    livenessProbe: asked("/healthz", { periodSeconds: 20, failureThreshold: 6 }),
    readinessProbe: asked("/readyz", { periodSeconds: 10, failureThreshold: 3 }),
    resources: value(`${name}.resources`),
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, ...container },
    volumeMounts: volumesOf(component).flatMap(mountsOf),
  };
}

function objectsSource(readsObjects: true | string): Template {
  const variable = { name: "SLUICE_OBJECTS_SOURCE", value: "api" };
  return readsObjects === true ? variable : when(readsObjects, variable);
}

function portsOf(serves: Component["serves"]): readonly Template[] {
  return Object.entries(serves?.ports ?? {}).map(([name, containerPort]) =>
    when(serves?.condition ?? [], { name, containerPort, protocol: "TCP" }),
  );
}

function volumesOf({ name, volumes = [] }: Component): readonly Volume[] {
  const secret = `${name}.secret`;
  return [
    { name: "config", path: "/etc/sluice/config", from: { configMap: { name: configName } } },
    { name: "secret", path: "/run/secrets/sluice", from: { secret: { secretName: value(secret) } }, condition: secret },
    { name: "tmp", path: "/tmp", from: { emptyDir: {} } },
    ...volumes,
  ];
}

function mountsOf({ name, path, condition, from }: Volume): readonly Template[] {
  if (path === null) return [];
  const isReadOnly = "configMap" in from || "secret" in from;
  return [optional(condition, { name, mountPath: path, ...(isReadOnly ? { readOnly: true } : {}) })];
}

function optional(condition: Volume["condition"], then: Fields): Template {
  return condition === undefined ? then : when(condition, then);
}
