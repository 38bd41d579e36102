/**
 * `MemPool` of @thi.ng/malloc: the allocator inside an ArrayBuffer that npm has had for years. Two linked lists;
 * malloc walks the free one, free walks the used one, so both are O(blocks) and traces with many live blocks are slow.
 * Configured with 16-byte alignment, as the others give; splitting and compaction as by default.
 */
import { MemPool } from "@thi.ng/malloc";
import { versionOf } from "../assets.js";
import type { Target, TargetModule } from "./target.js";

const thing: TargetModule = {
  name: "thi.ng",
  about: "MemPool of the npm package @thi.ng/malloc, in an ArrayBuffer",
  alignment: 16,
  maxAlign: 16,
  version: () => `@thi.ng/malloc ${versionOf("@thi.ng/malloc")}`,
  create,
  createLimited: create,
};

async function create(bytes: number): Promise<Target> {
  const pool = new MemPool({ size: bytes, align: 16 });
  const target: Target = {
    malloc: (size) => pool.malloc(size),
    calloc: (size) => pool.calloc(size),
    realloc: (ptr, size) => pool.realloc(ptr, size),
    memalign: () => 0,
    free: (ptr) => {
      pool.free(ptr);
    },
    buffer: () => pool.buf,
    // Freed block by block it keeps a fragmented list, and the second replay takes three times as long as the first.
    reset: () => pool.freeAll(),
  };
  return target;
}
export default thing;
