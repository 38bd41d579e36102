const { createHeap, isHeapError } = require("@heapwright/core");
const { hyperheap } = require("@heapwright/hyperheap");
const exercise = require("./exercise.cjs");

exercise(createHeap, hyperheap, isHeapError);
