/**
 * The object a user holds, put together from the entry points, the helpers, the inspector and the plugins' APIs.
 */
import type { Assembly } from "./assemble.js";
import { show } from "./errors.js";
import { LOCK_BYTES, LOCK_OFFSET } from "./header.js";
import { createEntry } from "./heap.js";
import type { Heap, HeapDescriptor } from "./heap-types.js";
import { createHelpers } from "./helpers.js";
import { createInspector } from "./inspect.js";

export function buildHeap(assembly: Assembly): Heap {
  const { memory, region, name, agent, allocator, stack, lock, growth, error } = assembly;
  const entry = createEntry(assembly);
  const helpers = createHelpers(assembly, entry);
  const inspector = createInspector(assembly, entry.ensureAttached);
  const { extend } = assembly.strategy;
  const declared = stack.strategy.capabilities;
  const capabilities = Object.freeze({ ...declared, grow: declared.grow && extend !== undefined });

  const base = {
    name,
    memory,
    agent,
    capabilities,
    get region() {
      const { areaStart, areaEnd } = region;
      return { base: region.base, bytes: areaEnd - region.base, areaStart, areaEnd };
    },
    alloc: entry.alloc,
    allocUnsafe: entry.allocUnsafe,
    realloc: entry.realloc,
    reallocUnsafe: entry.reallocUnsafe,
    free: entry.free,
    usableSize: entry.usableSize,
    takenSize: entry.takenSize,
    goodSize: entry.goodSize,
    owns: entry.owns,
    get capacity() {
      return inspector.totals().capacity;
    },
    get usedBytes() {
      return inspector.totals().used;
    },
    get freeBytes() {
      return inspector.totals().free;
    },
    get quarantinedBytes() {
      return inspector.totals().quarantined;
    },
    get overheadBytes() {
      return inspector.totals().overhead;
    },
    get pageBytes() {
      return inspector.totals().page;
    },
    get pageFreeBytes() {
      return inspector.totals().pageFree;
    },
    blocks: inspector.blocks,
    check: inspector.check,
    dump: inspector.dump,
    ...helpers,
    snapshot() {
      entry.ensureAttached();
      lock?.enter();
      try {
        const copy = new Uint8Array(region.areaEnd - region.base);
        copy.set(memory.u8.subarray(region.base, region.areaEnd));
        // Who holds the lock, and how often it was taken, is no part of the heap: the copy's is free.
        copy.fill(0, LOCK_OFFSET, LOCK_OFFSET + LOCK_BYTES);
        return copy;
      } finally {
        lock?.leave();
      }
    },
    grow(bytes: number) {
      if (bytes >>> 0 !== bytes || bytes === 0) {
        throw error("ERR_INVALID_SIZE", `bytes must be an integer in 1 … 2^32 - 1, not ${show(bytes)}`);
      }
      entry.ensureAttached();
      lock?.enter();
      try {
        return growth.grow(bytes);
      } finally {
        lock?.leave();
      }
    },
    descriptor(): HeapDescriptor {
      entry.ensureAttached();
      return { heapwright: 1, name, base: region.base, memory: memory.source };
    },
    detach: entry.detach,
  };
  const { reset } = allocator;
  if (reset !== undefined) {
    Object.defineProperty(base, "reset", {
      enumerable: true,
      value: () => {
        entry.ensureAttached();
        reset();
      },
    });
  }
  for (const [owner, api] of assembly.apis)
    Object.defineProperty(base, owner, { enumerable: true, value: api });
  return base as unknown as Heap;
}
