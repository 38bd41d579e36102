// One program that both imports and requires the packages, as an app with older dependencies does. The argument says
// how many copies Node is expected to load: "one" where `require` knows `module-sync`, else "two".
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import * as esmCore from "@heapwright/core";
import * as esmHyperheap from "@heapwright/hyperheap";
import * as esmStats from "@heapwright/stats";
import * as esmStrict from "@heapwright/strict";
import * as esmTrace from "@heapwright/trace";
import exercise from "./exercise.cjs";

const require = createRequire(import.meta.url);
const cjsCore = require("@heapwright/core");
const cjsHyperheap = require("@heapwright/hyperheap");
const cjsStats = require("@heapwright/stats");
const cjsStrict = require("@heapwright/strict");
const cjsTrace = require("@heapwright/trace");

const copies = new Set([esmCore.createHeap, cjsCore.createHeap]).size;
assert.equal(copies, process.argv[2] === "two" ? 2 : 1);
assert.equal(new Set([esmHyperheap.hyperheap, cjsHyperheap.hyperheap]).size, copies);
assert.equal(new Set([esmStats.stats, cjsStats.stats]).size, copies);
assert.equal(new Set([esmStrict.strict, cjsStrict.strict]).size, copies);
assert.equal(new Set([esmTrace.trace, cjsTrace.trace]).size, copies);

for (const { createHeap } of [esmCore, cjsCore]) {
  for (const { hyperheap } of [esmHyperheap, cjsHyperheap]) {
    for (const { strict } of [esmStrict, cjsStrict]) {
      for (const { stats } of [esmStats, cjsStats]) {
        for (const trace of [esmTrace, cjsTrace])
          exercise(
            { createHeap, hyperheap, stats, strict, ...trace },
            esmCore.isHeapError,
            cjsCore.isHeapError,
          );
      }
    }
  }
}
