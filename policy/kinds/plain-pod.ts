import { isMapping } from "./reading.ts";

/** What policy looks at in a pod, as its schema has it. */
export interface PodParts {
  readonly spec: {
    readonly nodeName?: string | undefined;
    readonly hostNetwork?: boolean | undefined;
    readonly serviceAccountName?: string | undefined;
    readonly containers?: readonly Container[] | undefined;
    readonly initContainers?: readonly Container[] | undefined;
  };
  readonly status?:
    | {
        readonly phase?: string | undefined;
        readonly podIP?: string | undefined;
        readonly podIPs?: readonly { readonly ip: string }[] | undefined;
      }
    | undefined;
}

export interface Container {
  readonly ports?:
    | readonly {
        readonly name?: string | undefined;
        readonly containerPort: number;
        readonly protocol?: string | undefined;
      }[]
    | undefined;
}

/**
 * Whether it is as the schema wants it without a look at that, which takes ten times longer: so are nearly all, and a cold start reads
 * 50,000. Of any other the schema has the last word.
 */
export function isPlainPod(parts: { readonly spec: unknown; readonly status?: unknown }): parts is PodParts {
  return isPlainSpec(parts.spec) && (parts.status === undefined || isPlainStatus(parts.status));
}

function isPlainSpec(spec: unknown): boolean {
  return (
    isMapping(spec) &&
    isTextOrNone(spec["nodeName"]) &&
    isTextOrNone(spec["serviceAccountName"]) &&
    (spec["hostNetwork"] === undefined || typeof spec["hostNetwork"] === "boolean") &&
    isListOrNone(spec["containers"], isPlainContainer) &&
    isListOrNone(spec["initContainers"], isPlainContainer)
  );
}

function isPlainStatus(status: unknown): boolean {
  return (
    isMapping(status) &&
    isTextOrNone(status["phase"]) &&
    isTextOrNone(status["podIP"]) &&
    isListOrNone(status["podIPs"], (one) => isMapping(one) && typeof one["ip"] === "string")
  );
}

function isPlainContainer(container: unknown): boolean {
  return isMapping(container) && isListOrNone(container["ports"], isPlainPort);
}

function isPlainPort(port: unknown): boolean {
  return (
    isMapping(port) &&
    Number.isSafeInteger(port["containerPort"]) &&
    isTextOrNone(port["name"]) &&
    isTextOrNone(port["protocol"])
  );
}

function isTextOrNone(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function isListOrNone(value: unknown, isPlain: (item: unknown) => boolean): boolean {
  return value === undefined || (Array.isArray(value) && value.every(isPlain));
}
