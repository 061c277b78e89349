/** Names of what all components share. */
export const configName = "sluice-config";
export const priorityName = "sluice";
export const readerRole = "sluice-reader";

export const nameOf = (component: string): string => `sluice-${component}`;
