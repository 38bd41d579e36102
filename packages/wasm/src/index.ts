/** @heapwright/wasm: see malloc.ts and guest.ts. */
export { type GuestRegion, type GuestRegionOptions, guestRegion } from "./guest.js";
export {
  type MallocCall,
  type MallocFunctions,
  type MallocImports,
  type MallocOptions,
  mallocImports,
} from "./malloc.js";
