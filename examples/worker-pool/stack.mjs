// What both sides must agree on: the stack of the heap, and what the numbers in a message mean.
import { defineStack } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";

export const stack = defineStack({ strategy: hyperheap() });

/** An image of one byte a pixel, at the start of its block. */
export const WIDTH = 256;
export const HEIGHT = 256;
export const BYTES = WIDTH * HEIGHT;
