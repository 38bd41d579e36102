const { createHeap, isHeapError } = require("@heapwright/core");
const { hyperheap } = require("@heapwright/hyperheap");
const { stats } = require("@heapwright/stats");
const { strict } = require("@heapwright/strict");
const trace = require("@heapwright/trace");
const exercise = require("./exercise.cjs");

exercise({ createHeap, hyperheap, stats, strict, ...trace }, isHeapError);
