// AssemblyScript's own allocator (rt/tlsf) under the names the bench calls. Compiled by scripts/build-wasm.mjs.
export function malloc(size: usize): usize {
  return heap.alloc(size);
}
export function calloc(size: usize): usize {
  const ptr = heap.alloc(size);
  memory.fill(ptr, 0, size);
  return ptr;
}
export function realloc(ptr: usize, size: usize): usize {
  return heap.realloc(ptr, size);
}
export function free(ptr: usize): void {
  heap.free(ptr);
}
