/** @heapwright/hyperheap: see hyperheap.ts. */
export { hyperheap } from "./hyperheap.js";
