// Without a test runner: importing the kit brings Vitest along, and does not need it.
import assert from "node:assert/strict";
import { runBattery, soak } from "@heapwright/conformance";
import { createHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";

const makeHeap = () => createHeap({ memory: 1 << 16, strategy: hyperheap() });

assert.equal(soak(makeHeap, { operations: 1000, seed: 1 }).operations, 1000);
const rows = runBattery(makeHeap, { operations: 1000, numRuns: 5, seed: 1 });
assert.match(rows.find(({ capability }) => capability === "free").found, /^held: \d+ freed$/);
