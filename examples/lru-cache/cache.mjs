// A cache of binary values that forgets what was used least recently. The values lie in a heap, outside of what the garbage collector
// looks at; JavaScript has one number each.
import { createHeap } from "heapwright";
import { tlsf } from "heapwright/tlsf";

export class BinaryCache {
  #heap;
  /** Address by key, least recently used first: a Map keeps the order in which keys were added. */
  #entries = new Map();
  evicted = 0;

  /** @param {number} bytes Of the heap; what the values can take is a little less. */
  constructor(bytes) {
    this.#heap = createHeap({ memory: bytes, strategy: tlsf(), name: "cache" });
  }

  get size() {
    return this.#entries.size;
  }
  get usedBytes() {
    return this.#heap.usedBytes;
  }

  /** Keeps a copy of the bytes, and forgets old values until there is room for it. False if there is none even then. */
  set(key, bytes) {
    this.delete(key);
    // A word in front of the value says how long it is.
    let ptr = this.#heap.allocUnsafe(4 + bytes.length);
    while (ptr === 0) {
      const oldest = this.#entries.keys().next();
      if (oldest.done) return false;
      this.delete(oldest.value);
      this.evicted++;
      ptr = this.#heap.allocUnsafe(4 + bytes.length);
    }
    const { u8, u32 } = this.#heap.memory;
    u32[ptr >>> 2] = bytes.length;
    u8.set(bytes, ptr + 4);
    this.#entries.set(key, ptr);
    return true;
  }

  /** The bytes, seen where they are: good until the next `set` or `delete`. Undefined if they are not there. */
  get(key) {
    const ptr = this.#entries.get(key);
    if (ptr === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, ptr); // the most recently used one now
    const { u8, u32 } = this.#heap.memory;
    return u8.subarray(ptr + 4, ptr + 4 + u32[ptr >>> 2]);
  }

  delete(key) {
    const ptr = this.#entries.get(key);
    if (ptr === undefined) return false;
    this.#entries.delete(key);
    this.#heap.free(ptr);
    return true;
  }

  /** Throws if a byte of the heap's own is wrong. */
  check() {
    this.#heap.check();
  }
}
