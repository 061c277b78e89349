import { flowStoreContract } from "../sinks/flow-store.contract.ts";
import { MemoryFlowStore } from "./flow-store-memory.ts";

describe("MemoryFlowStore", () => {
  flowStoreContract((flows) =>
    Promise.resolve({ store: new MemoryFlowStore(() => flows), close: () => Promise.resolve() }),
  );
});
