import { systemClock } from "../../core/clock.ts";
import type { HttpProxy } from "../support/http-proxy.ts";
import type { ChaosLab } from "./chaos-lab.ts";
import type { Stage } from "./stage.ts";

/** From 0 to 1, excluded. */
export type Random = () => number;

/** Something that goes wrong for a while. */
export interface Fault {
  /** Those of a kind are much alike. */
  readonly kind: string;
  readonly title: string;
  /** Resolves when it is over. */
  run(): Promise<void>;
}

const [least, most] = [500, { down: 3_000, frozen: 8_000, refused: 6_000, full: 4_000 }];

/** All that can go wrong in a lab. */
export function faultsOf(lab: ChaosLab, random: Random): readonly Fault[] {
  const pause = (longest: number) => systemClock.sleep(least + random() * longest);
  return [
    ...lab.stages.flatMap((stage) => stageFaults(stage, pause)),
    ...serviceFaults(lab, pause),
    ...proxyFaults(lab.proxy, pause),
    ...(["nodeDisk", "archiveDisk"] as const).map((disk) => ({
      kind: `${disk} full`,
      title: disk === "nodeDisk" ? "the disk of node-2 is full" : "the archive's disk is full",
      async run() {
        lab[disk].fill();
        await pause(most.full);
        lab[disk].free();
      },
    })),
  ];
}

type Pause = (longest: number) => Promise<void>;

function stageFaults(stage: Stage, pause: Pause): readonly Fault[] {
  return [
    {
      kind: `kill ${stage.name}`,
      title: `${stage.name} is killed`,
      async run() {
        await stage.kill();
        await pause(most.down);
        stage.start();
      },
    },
    {
      kind: "freeze",
      title: `${stage.name} is stopped (SIGSTOP)`,
      async run() {
        stage.freeze();
        await pause(most.frozen);
        stage.resume();
      },
    },
    {
      kind: "restart",
      title: `${stage.name} is restarted`,
      async run() {
        await stage.stop();
        stage.start();
      },
    },
  ];
}

function serviceFaults({ services }: ChaosLab, pause: Pause): readonly Fault[] {
  return (["kafka", "elasticsearch"] as const).map((name) => ({
    kind: `kill ${name}`,
    title: `${name} is killed`,
    async run() {
      await services.kill(name);
      await pause(most.down);
      await services.up(name, { keep: true });
    },
  }));
}

function proxyFaults(proxy: HttpProxy, pause: Pause): readonly Fault[] {
  const bulk = (fault: ReturnType<HttpProxy["fault"]>) => (path: string) => (path.includes("_bulk") ? fault : "pass");
  const faults: readonly (readonly [string, HttpProxy["fault"]])[] = [
    ["elasticsearch answers 429", bulk(429)],
    ["elasticsearch answers 503", bulk(503)],
    ["connections to elasticsearch are cut", () => "cut"],
    ["elasticsearch is cut off before it answers", bulk("lose")],
  ];
  return faults.map(([title, fault]) => ({
    kind: title,
    title,
    async run() {
      proxy.fault = fault;
      await pause(most.refused);
      proxy.fault = () => "pass";
    },
  }));
}

/** In random order: one of each kind, then any, endlessly. */
export function* inRandomOrder(faults: readonly Fault[], random: Random): Generator<Fault, never> {
  const any = (some: readonly Fault[]) => some[Math.floor(random() * some.length)] as Fault;
  const kinds = [...Map.groupBy(faults, ({ kind }) => kind).values()];
  while (kinds.length > 0) {
    const [ofKind = []] = kinds.splice(Math.floor(random() * kinds.length), 1);
    yield any(ofKind);
  }
  for (;;) yield any(faults);
}
