/**
 * Zeroing from JS, for allocators that have no calloc of their own. A word loop up to 96 bytes, `fill` beyond:
 * that is where its call pays (64 to 96 bytes on Node 20).
 */
const LOOP_BYTES = 96;

/** Zeroes `size` bytes at a 4-aligned `ptr`, in whole words: the last may reach 3 bytes past `size`. */
export function zero(u8: Uint8Array, i32: Int32Array, ptr: number, size: number): void {
  if (size > LOOP_BYTES) {
    u8.fill(0, ptr, ptr + size);
    return;
  }
  const end = (ptr + size + 3) >> 2;
  for (let word = ptr >> 2; word < end; word++) i32[word] = 0;
}
