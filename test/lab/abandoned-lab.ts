import { systemClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { Lab } from "../../lab/lab.ts";
import { node, pod } from "./objects.ts";

// A program that brings a lab up, says so and waits to be killed.

const objects = [node(1), pod("shop/web", { ips: ["10.244.1.2"] })];
const lab = new Lab({ name: process.argv[2] ?? "", objects, clock: systemClock, log: silentLog });
await lab.up();
await lab.startAgents();
process.send?.("up");
process.on("disconnect", () => process.exit(1));
