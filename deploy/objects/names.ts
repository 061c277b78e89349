/** Names of what all components share. */
export const configName = "sluice-config";
export const priorityName = "sluice";
export const readerRole = "sluice-reader";
export const nodeStatusRole = "sluice-node-status";

export const nameOf = (component: string): string => `sluice-${component}`;
