/**
 * The composed heap of this project over its TLSF strategy, as an app gets it from `createHeap`: arguments and every pointer are checked
 * on each call, as in hyperheap.ts.
 */
import { tlsf as strategy } from "@heapwright/tlsf";
import { versionOf } from "../assets.js";
import { heapTarget, limitedHeapTarget } from "./hyperheap.js";
import type { TargetModule } from "./target.js";

const tlsf: TargetModule = {
  name: "tlsf",
  about: "Heapwright: createHeap with the tlsf strategy, no plugin, in an ArrayBuffer; pointers validated",
  alignment: 16,
  maxAlign: 4096,
  version: () => `@heapwright/tlsf ${versionOf("@heapwright/tlsf")}`,
  create: async (bytes) => heapTarget(bytes, [], strategy()),
  createLimited: (bytes) => limitedHeapTarget(bytes, [], strategy()),
};
export default tlsf;
