import { type GoSources, goProgram, lacksGoProgram } from "./go-program.ts";

// A real kube-apiserver for tests and the demo: one Go program that links the upstream servers.

const kubernetes = "1.36.3";
const version = "k8s.io/component-base/version";
const [, minor] = kubernetes.split(".");
const set = { gitVersion: `v${kubernetes}`, gitMajor: "1", gitMinor: minor, gitTreeState: "clean" };
const stamps = Object.entries(set).map(([name, value]) => `-X ${version}.${name}=${value}`);

const sources: GoSources = {
  what: `a Kubernetes ${kubernetes} API server`,
  name: "api-server/kube-apiserver",
  folder: "test/support/kube-server",
  files: ["go.mod", "go.sum", "main.go", "kcm.go"],
  also: kubernetes,
  flags: ["-tags", "kcm", "-ldflags", ["-s -w", ...stamps].join(" ")],
  takes: "about five minutes",
};

/** Why the server cannot be had here; undefined if it can. */
export const lacksApiServer = (): string | undefined => lacksGoProgram(sources);

/** The path of the program; builds it if it is not there. Throws LAB_FAILED. */
export const apiServerProgram = (say: (line: string) => void): Promise<string> => goProgram(sources, say);
