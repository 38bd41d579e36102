import { createHeap, isHeapError } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { strict } from "@heapwright/strict";
import exercise from "./exercise.cjs";

exercise({ createHeap, hyperheap, stats, strict }, isHeapError);
