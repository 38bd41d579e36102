/** Size-class pages for Heapwright: header-free small blocks from bitmaps, large requests handed to another strategy. */
export { type SlabApi, type SlabOptions, slab } from "./slab.js";
