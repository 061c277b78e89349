import { Command } from "commander";
export const labCommand = () => new Command("lab");
