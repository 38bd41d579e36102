// The CJS copy: all but what declares tests works, and that says what to do.
const assert = require("node:assert/strict");
const { conformance, property, selfTest, soak } = require("@heapwright/conformance");
const { createHeap } = require("@heapwright/core");
const { hyperheap } = require("@heapwright/hyperheap");

const makeHeap = () => createHeap({ memory: 1 << 16, strategy: hyperheap() });

property(makeHeap, { numRuns: 5, seed: 1 });
assert.equal(soak(makeHeap, { operations: 1000, seed: 1 }).operations, 1000);
assert.ok(selfTest().every(({ found }) => found));
assert.throws(() => conformance("hyperheap", makeHeap), /import @heapwright\/conformance from an ES module/);
