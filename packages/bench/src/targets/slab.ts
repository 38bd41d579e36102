/**
 * The composed heap of this project over its slab strategy with TLSF for what is large, as an app gets it from `createHeap`: arguments and
 * every pointer are checked on each call, as in hyperheap.ts.
 */
import { slab as strategy } from "@heapwright/slab";
import { tlsf } from "@heapwright/tlsf";
import { versionOf } from "../assets.js";
import { heapTarget, limitedHeapTarget } from "./hyperheap.js";
import type { TargetModule } from "./target.js";

const slab: TargetModule = {
  name: "slab",
  about:
    "Heapwright: createHeap with slab({ large: tlsf() }), no plugin, in an ArrayBuffer; pointers validated",
  alignment: 16,
  maxAlign: 4096,
  version: () => `@heapwright/slab ${versionOf("@heapwright/slab")}`,
  create: async (bytes) => heapTarget(bytes, [], strategy({ large: tlsf() })),
  createLimited: (bytes) => limitedHeapTarget(bytes, [], strategy({ large: tlsf() })),
};
export default slab;
