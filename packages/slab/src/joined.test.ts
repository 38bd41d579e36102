/** Words that lead out of the area or the map: nobody joins such a heap. */
import { attachHeap, createHeap, type HeapDescriptor, restoreHeap } from "@heapwright/core";
import { tlsf } from "@heapwright/tlsf";
import { expect, it } from "vitest";
import { slab } from "./slab.js";
import { BEFORE_AT, CLASS_SHIFT, COUNTER, CURSOR, HEAD, LINK_SHIFT, NEXT_AT, SPARE, TAIL } from "./space.js";

const strategy = () => slab({ large: tlsf() });
const attach = (descriptor: HeapDescriptor) => attachHeap(descriptor, { strategy: strategy() });

/** Words before the classes, and before the first pair of the map (see space.ts). */
const CLASSES = 16;
const MAP = CLASSES + 33 * 8 + 2;

/** A heap with one span, of cells of 32 bytes; the word its state begins at, and that of the span's first pair. */
function heapStateAndPair() {
  const heap = createHeap({ memory: 65536, strategy: strategy() });
  heap.alloc(32);
  const state = Math.ceil((128 + (heap.memory.u32[8] as number)) / 64) * 16;
  const cursor = heap.memory.i32[state + CLASSES + (2 << CLASS_SHIFT) + CURSOR] as number;
  return { heap, state, pair: state + MAP - 2 + cursor };
}

it.each(Object.entries({ CURSOR, COUNTER, HEAD, TAIL, SPARE }))(
  "a class's %s that leads nowhere is refused",
  (_, word) => {
    for (const value of [-2, 1 << 20]) {
      const { heap, state } = heapStateAndPair();
      attach(heap.descriptor()).check();
      heap.memory.i32[state + CLASSES + (2 << CLASS_SHIFT) + word] = value;
      expect(() => attach(heap.descriptor())).toThrow(
        expect.objectContaining({ code: "ERR_HEAP_CORRUPT", message: expect.stringContaining("class 2") }),
      );
    }
  },
);

it.each([
  ["a free cell where none begins", 0, (free: number) => free | 2],
  ["a span that begins before the area", 1, (kind: number) => kind | (15 << 5)],
  ["a class there is none of", 1, (kind: number) => kind & ~(3 << 9)],
  ["a link to the next behind the map", NEXT_AT, (kind: number) => kind | (0x1fffff << LINK_SHIFT)],
  ["a link back behind the map", BEFORE_AT, (kind: number) => kind | (0x1fffff << LINK_SHIFT)],
])("%s is refused", (_, word, change) => {
  const { heap, pair } = heapStateAndPair();
  heap.memory.i32[pair + word] = change(heap.memory.i32[pair + word] as number);
  expect(() => attach(heap.descriptor())).toThrow(
    expect.objectContaining({ code: "ERR_HEAP_CORRUPT", message: expect.stringContaining("of kind") }),
  );
});

it("a free cell where none begins is not handed out", () => {
  const { heap, state, pair } = heapStateAndPair();
  heap.memory.i32[pair] = 2;
  for (let unit = 1; unit < 4; unit++) heap.memory.i32[pair + 2 * unit] = 0;
  heap.memory.i32[state + CLASSES + (2 << CLASS_SHIFT) + CURSOR] = 0;
  expect(() => heap.alloc(32)).toThrow(expect.objectContaining({ code: "ERR_HEAP_CORRUPT" }));
});

it.each([0, 8, 1e9, 0.5])("cells up to %s, said by the heap alone, are refused at once", (upTo) => {
  const { heap } = heapStateAndPair();
  const bytes = heap.snapshot();
  const length = new DataView(bytes.buffer).getUint32(32, true);
  const text = new TextDecoder()
    .decode(bytes.subarray(128, 128 + length))
    .replace('"upTo":512', `"upTo":${upTo}`);
  expect(text).toContain(`:${upTo}`);
  const encoded = new TextEncoder().encode(text);
  // The states are where they were: the text is longer by what was 0.
  bytes.set(encoded, 128);
  new DataView(bytes.buffer).setUint32(32, encoded.length, true);
  if (encoded.length < length) bytes.fill(32, 128 + encoded.length, 128 + length);
  expect(() => restoreHeap(bytes, { strategy: strategy() })).toThrow(
    expect.objectContaining({
      code: "ERR_INCOMPATIBLE_HEAP",
      message: expect.stringContaining(`upTo ${upTo}`),
    }),
  );
});
