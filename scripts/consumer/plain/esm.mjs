import { createHeap, isHeapError } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { strict } from "@heapwright/strict";
import * as trace from "@heapwright/trace";
import exercise from "./exercise.cjs";

exercise({ createHeap, hyperheap, stats, strict, ...trace }, isHeapError);
