/** What a kernel that dropped nothing has counted, for heartbeats. */
export const nothingDropped = {
  ...{ eventDrops: 0, logDrops: 0, tableDrops: 0, earlyDrops: 0 },
  ...{ insertFailures: 0, searchRestarts: 0, clashes: 0 },
};
