import assert from "node:assert/strict";
import { outcomeOf } from "../../../../sinks/elasticsearch/bulk/outcome.ts";

const cases: readonly (readonly [number, string | undefined, string, string])[] = [
  [201, undefined, "stored", "a document that was made"],
  [200, undefined, "stored", "a document that was written over"],
  [409, "version_conflict_engine_exception", "known", "one that was there"],
  [400, "document_parsing_exception", "rejected", "one of which a field is none of its type"],
  [400, "mapper_parsing_exception", "rejected", "the same in the words of Elasticsearch 7"],
  [400, "illegal_argument_exception", "rejected", "one with a term that is too long"],
  [400, "strict_dynamic_mapping_exception", "rejected", "one with a field that the mapping refuses"],
  [400, "validation_exception", "again", "one for which there is no room for another shard"],
  [400, "index_closed_exception", "again", "one of an index that is closed"],
  [403, "cluster_block_exception", "again", "one of an index that is read-only since the disk is full"],
  [404, "index_not_found_exception", "again", "one of an index that may not be made by itself"],
  [429, "es_rejected_execution_exception", "again", "one for which there was no room in a queue"],
  [503, "unavailable_shards_exception", "again", "one whose shard is not there"],
  [500, undefined, "again", "one that met a fault of the server"],
];

describe("what becomes of a document", () => {
  for (const [status, type, outcome, title] of cases)
    it(`${title} (${status}) is ${outcome}`, () =>
      assert.equal(outcomeOf(status, type === undefined ? undefined : { type }), outcome));
});
