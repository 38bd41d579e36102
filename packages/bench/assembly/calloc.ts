// calloc for a wasm allocator that exports only malloc: works on that allocator's memory.
declare function malloc(size: usize): usize;

export function calloc(size: usize): usize {
  const ptr = malloc(size);
  if (ptr) memory.fill(ptr, 0, size);
  return ptr;
}
