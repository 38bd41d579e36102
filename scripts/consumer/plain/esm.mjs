import { createHeap, isHeapError } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import exercise from "./exercise.cjs";

exercise(createHeap, hyperheap, isHeapError);
