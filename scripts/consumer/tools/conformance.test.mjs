import * as conformance from "@heapwright/conformance";
import { createHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { expect, it } from "vitest";

it("is there", () => {
  expect(Object.keys(conformance)).not.toEqual([]);
  createHeap({ memory: 1 << 20, strategy: hyperheap() }).check();
});
