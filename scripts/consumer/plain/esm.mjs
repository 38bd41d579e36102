import { createHeap, isHeapError } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { strict } from "@heapwright/strict";
import exercise from "./exercise.cjs";

exercise(createHeap, hyperheap, strict, isHeapError);
