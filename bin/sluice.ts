#!/usr/bin/env node
import { keepCompiled } from "./compile-cache.ts";

keepCompiled();
// Not before: modules that are imported above are made into what they are before the first line here runs.
const { runCommandLine } = await import("./command-line.ts");
await runCommandLine(process.argv);
