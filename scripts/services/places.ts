import { join } from "node:path";
import { LocalServices } from "./local.ts";

const root = join(import.meta.dirname, "..", "..");
const cache = join(root, ".cache", "services", "jars");

/** Where `npm run services` keeps what it started. */
export const developmentFolder = process.env["SERVICES_DIR"] ?? join(root, ".cache", "services", "development");

/** The services of a folder; jars are shared by all of this checkout. */
export function servicesIn(folder: string): LocalServices {
  return new LocalServices(folder, cache);
}
