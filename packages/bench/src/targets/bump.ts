/**
 * A bump pointer, the floor: alloc adds to one number, free does nothing, so no allocator that has to find memory
 * again can be below it. It never reuses memory and so walks through all a trace asks for, cold cache lines included.
 *
 * One word before each payload keeps its size, because realloc has to know what to copy:
 *
 *      p - 4      p (16-aligned)
 *      ├──────────┼───────────────┤ … up to 12 bytes to the next word
 *      │ u32 size │ payload       │
 */
import { ownVersion } from "../assets.js";
import type { Target, TargetModule } from "./target.js";
import { zero } from "./zero.js";

const bump: TargetModule = {
  name: "bump",
  about: "a bump pointer that never frees: the floor",
  alignment: 16,
  maxAlign: 4096,
  reuses: false,
  version: () => `@heapwright/bench ${ownVersion()}`,
  create,
};

async function create(bytes: number): Promise<Target> {
  const buffer = new ArrayBuffer(bytes);
  const u8 = new Uint8Array(buffer);
  const i32 = new Int32Array(buffer);
  /** Last byte handed out; the next payload is the next multiple of its alignment past the size word. */
  let top = 16;

  function memalign(align: number, size: number): number {
    const ptr = (top + 4 + (align - 1)) & -align;
    if (ptr + size > bytes) return 0;
    i32[(ptr >> 2) - 1] = size;
    top = ptr + size;
    return ptr;
  }
  function malloc(size: number): number {
    const ptr = (top + 19) & -16;
    if (ptr + size > bytes) return 0;
    i32[(ptr >> 2) - 1] = size;
    top = ptr + size;
    return ptr;
  }
  const target: Target = {
    malloc,
    memalign,
    calloc(size) {
      const ptr = malloc(size);
      if (ptr !== 0) zero(u8, i32, ptr, size);
      return ptr;
    },
    realloc(ptr, size) {
      const old = i32[(ptr >> 2) - 1];
      if (size <= old) {
        i32[(ptr >> 2) - 1] = size;
        return ptr;
      }
      const moved = malloc(size);
      if (moved !== 0) u8.copyWithin(moved, ptr, ptr + old);
      return moved;
    },
    free() {},
    buffer: () => buffer,
    reset() {
      top = 16;
    },
  };
  return target;
}
export default bump;
