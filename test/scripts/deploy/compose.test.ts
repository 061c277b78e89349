import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ComposeService, composeFaults, readCompose } from "../../../scripts/deploy/compose.ts";
import { serviceFaults } from "../../../scripts/deploy/sluice-services.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const text = readFileSync(join(root, "docker-compose.yml"), "utf8");
const ours = { context: ".", dockerfile: "deploy/Dockerfile" };
const fine: ComposeService = { image: "sluice:1", build: ours, command: ["watch"], read_only: true, cap_drop: ["ALL"] };

const references: readonly { title: string; services: Readonly<Record<string, ComposeService>>; says: RegExp }[] = [
  { title: "an image without a version", services: { a: { image: "redis" } }, says: /names no version/ },
  { title: "the image of whatever is latest", services: { a: { image: "redis:latest" } }, says: /names no version/ },
  {
    title: "a Dockerfile that is not there",
    services: { a: { image: "a:1", build: { context: ".", dockerfile: "none" } } },
    says: /no file none/,
  },
  {
    title: "a mounted file that is not there",
    services: { a: { image: "a:1", volumes: ["./none:/x"] } },
    says: /no file \.\/none/,
  },
  {
    title: "a volume that nobody declares",
    services: { a: { image: "a:1", volumes: ["v:/x"] } },
    says: /not declared/,
  },
  { title: "a port for everybody", services: { a: { image: "a:1", ports: ["9:9"] } }, says: /open to everybody/ },
  {
    title: "a port twice",
    services: { a: { image: "a:1", ports: ["127.0.0.1:9:1"] }, b: { image: "a:1", ports: ["127.0.0.1:9:2"] } },
    says: /is that of a as well/,
  },
  {
    title: "who waits for nobody",
    services: { a: { image: "a:1", depends_on: { b: { condition: "service_started" } } } },
    says: /not there/,
  },
  {
    title: "who waits for a health that nobody checks",
    services: { a: { image: "a:1", depends_on: { b: { condition: "service_healthy" } } }, b: { image: "b:1" } },
    says: /nobody checks/,
  },
  {
    title: "who waits for the end of what is started again",
    services: {
      a: { image: "a:1", depends_on: { b: { condition: "service_completed_successfully" } } },
      b: { image: "b:1", restart: "always" },
    },
    says: /started again/,
  },
  {
    title: "two that wait for each other",
    services: {
      a: { image: "a:1", depends_on: { b: { condition: "service_started" } } },
      b: { image: "a:1", depends_on: { a: { condition: "service_started" } } },
    },
    says: /waits for itself/,
  },
];

const processes: readonly { title: string; service: ComposeService; says: RegExp }[] = [
  { title: "a command that is none", service: { ...fine, command: ["warch"] }, says: /no command warch/ },
  { title: "half a command", service: { ...fine, command: ["sink"] }, says: /needs another word/ },
  { title: "an option that is none", service: { ...fine, command: ["watch", "--none"] }, says: /no option --none/ },
  {
    title: "a setting that is none",
    service: { ...fine, environment: { SLUICE_BUS_BROKER: "a:1" } },
    says: /no setting/,
  },
  {
    title: "a setting of another command",
    service: { ...fine, environment: { SLUICE_COLLECTOR_WINDOW_MS: "1000" } },
    says: /watch does not ask for/,
  },
  {
    title: "a value that is not accepted",
    service: { ...fine, environment: { SLUICE_BUS_PARTITIONS: "many" } },
    says: /BUS_PARTITIONS: must be/,
  },
  { title: "a root that can be written", service: { ...fine, read_only: false }, says: /can be written/ },
  { title: "capabilities that are kept", service: { ...fine, cap_drop: [] }, says: /keeps capabilities/ },
  { title: "a capability without need", service: { ...fine, cap_add: ["SYS_PTRACE"] }, says: /needs no SYS_PTRACE/ },
  { title: "root without need", service: { ...fine, user: "0:0" }, says: /no need to run as/ },
];

describe("scripts/deploy/compose", () => {
  it("finds nothing wrong with docker-compose.yml", () => {
    const file = readCompose(text);
    assert.deepEqual([...composeFaults(file, root), ...serviceFaults(file)], []);
  });
  for (const { title, services, says } of references)
    it(`finds ${title}`, () => assert.match(composeFaults({ services }, root).join("\n"), says));
  it("finds a volume that nobody uses", () => {
    assert.match(composeFaults({ services: {}, volumes: { v: null } }, root).join("\n"), /used by nobody/);
  });
  for (const { title, service, says } of processes)
    it(`finds ${title}`, () => assert.match(serviceFaults({ services: { one: service } }).join("\n"), says));
  for (const [title, bad, says] of [
    ["a key that is none", "services: { a: { image: x, imaje: y } }", /no compose file: .*services\/a/],
    ["a variable without a default", 'services: { a: { image: "$' + '{X}" } }', /has no default/],
    ["what is no YAML", "services: [", /./],
  ] as const)
    it(`does not take ${title}`, () => assert.throws(() => readCompose(bad), says));
});
