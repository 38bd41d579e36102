/**
 * glibc-simple: after the benchmark of that name in the GNU C library's suite, from its description: blocks of one size, 25, 100, 400
 * and 1600 of them at a time, allocated and freed in the same order, over and over. What a cache in front of the allocator holds of
 * a size decides it.
 *
 * Sizes here: 16, 128 and 1024 bytes; as many operations with each number and size.
 */
import type { Trace } from "../trace.js";
import { TraceBuilder } from "./builder.js";

const BLOCKS = [25, 100, 400, 1600];
const SIZES = [16, 128, 1024];
/** Allocations with one number and size. */
const ALLOCATIONS = 4800;

export function makeGlibcSimple(): Trace {
  const builder = new TraceBuilder();
  for (const size of SIZES) {
    for (const blocks of BLOCKS) {
      for (let done = 0; done < ALLOCATIONS; done += blocks)
        builder.freeAll(Array.from({ length: blocks }, () => builder.malloc(size)));
    }
  }
  return builder.finish("glibc-simple");
}
