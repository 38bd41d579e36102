/** @heapwright/arena: see arena.ts. */
export { type ArenaApi, type ArenaScope, arena } from "./arena.js";
