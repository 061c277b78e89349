import { Command } from "commander";
export const upCommand = () => new Command("up");
