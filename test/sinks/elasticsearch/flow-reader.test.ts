import { ElasticFlowStore } from "../../../sinks/elasticsearch/flow-reader.ts";
import { needsServices } from "../../support/needs-services.ts";
import { flowStoreContract } from "../flow-store.contract.ts";
import { WrittenIndices } from "./written-flows.ts";

describe("ElasticFlowStore", function () {
  this.timeout(60_000);
  const address = needsServices("elasticsearch");

  flowStoreContract(
    async (flows) => {
      const indices = await WrittenIndices.at(address("elasticsearch"));
      await indices.writeFlows([...flows, ...flows]);
      const store = new ElasticFlowStore({ elastic: indices.elastic, namespace: indices.namespace });
      return {
        store,
        close: async () => {
          await store.close();
          await indices.remove();
        },
      };
    },
    { uncountable: ["time"] },
  );
});
