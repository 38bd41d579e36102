/** Truth: random programs in C, each byte of theirs watched by C itself, each call held against a shadow of the live blocks. */
import { arena } from "@heapwright/arena";
import { isHeapError, limit } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { slab } from "@heapwright/slab";
import { strict } from "@heapwright/strict";
import { tlsf } from "@heapwright/tlsf";
import { expect, it } from "vitest";
import { type GuestOptions, makeGuest } from "./fixtures/guest.js";
import { Shadow } from "./fixtures/shadow.js";

const SOAK = Math.max(1, Number(process.env.HEAPWRIGHT_SOAK) || 1);
const OPERATIONS = 1500;

const STACKS: [name: string, options: () => GuestOptions, refuses: boolean][] = [
  ["hyperheap", () => ({ room: 8 << 20 }), false],
  ["hyperheap that runs out", () => ({ room: 100_000 }), true],
  ["hyperheap that grows", () => ({ room: 200_000, max: 8 << 20 }), false],
  ["hyperheap under a limit", () => ({ room: 4 << 20, plugins: [limit({ bytes: 60_000 })] }), true],
  ["hyperheap, strict", () => ({ room: 16 << 20, plugins: [strict({ stacks: "off" })] }), false],
  ["hyperheap, named", () => ({ room: 8 << 20, strategy: hyperheap() }), false],
  ["tlsf", () => ({ room: 8 << 20, strategy: tlsf() }), false],
  ["slab", () => ({ room: 16 << 20, strategy: slab({ large: hyperheap() }) }), false],
];

it.each(STACKS)("random C programs over %s", (_, options, refuses) => {
  let refused = 0;
  for (let seed = 1; seed <= 12 * SOAK; seed++) {
    const shadow = new Shadow();
    const { exports, heap } = makeGuest({ ...options(), onCall: (call) => shadow.see(call, heap) });
    for (let part = 0; part < 4; part++) {
      exports.run(seed * 31 + part, OPERATIONS);
      heap.check();
      expect([seed, shadow.wrong, exports.get_faults()]).toEqual([seed, [], 0]);
      expect([seed, shadow.differences(heap)]).toEqual([seed, []]);
    }
    expect(shadow.calls).toBeGreaterThan(4 * OPERATIONS);
    exports.finish();
    heap.check();
    expect([seed, exports.get_faults(), shadow.live.size, heap.usedBytes]).toEqual([seed, 0, 0, 0]);
    refused += exports.get_refused();
  }
  expect(refused > 0).toBe(refuses);
});

it("pages that the module adds between growths of the heap stay its own", () => {
  for (let seed = 1; seed <= 6; seed++) {
    const shadow = new Shadow();
    const { exports, heap } = makeGuest({
      room: 200_000,
      max: 8 << 20,
      onCall: (call) => shadow.see(call, heap),
    });
    const { areaEnd } = heap.region;
    exports.run(seed, 200);
    expect(exports.grow_pages(3)).toBe(1);
    exports.run(seed + 100, 4000); // its first call finds all views detached
    // The heap has grown behind the pages.
    expect(heap.region.areaEnd).toBeGreaterThan(areaEnd + 3 * 65536);
    expect(exports.memory.buffer).toBe(heap.memory.buffer);
    heap.check();
    expect([
      seed,
      shadow.wrong,
      exports.get_faults(),
      exports.spoiled_pages(),
      exports.get_refused(),
    ]).toEqual([seed, [], 0, 0, 0]);
    exports.finish();
    expect([exports.get_faults(), exports.spoiled_pages(), shadow.live.size]).toEqual([0, 0, 0]);
  }
});

it("a strategy that frees its last block only tells onError, and C goes on", () => {
  const codes = new Set<unknown>();
  const onError = (error: unknown): void => void codes.add(isHeapError(error) && error.code);
  const { exports, heap } = makeGuest({
    room: 1 << 20,
    max: 8 << 20,
    strategy: arena(),
    malloc: { onError },
  });
  exports.run(5, 500);
  exports.finish();
  expect(exports.get_faults()).toBe(0);
  expect([...codes]).toEqual(["ERR_UNSUPPORTED"]);
  heap.check();
});

it("the test can fail: C sees a byte that was changed, the shadow a block that overlaps", () => {
  const { exports, heap } = makeGuest({ room: 8 << 20 });
  exports.run(3, 1000);
  const [block] = [...heap.blocks()].filter(({ state, size }) => state === "used" && size > 32);
  heap.memory.u8[block.ptr] ^= 1;
  exports.finish();
  expect(exports.get_faults()).toBe(1);

  const shadow = new Shadow();
  const ptr = heap.region.areaStart + 64;
  shadow.see({ name: "malloc", args: [100], result: ptr }, heap);
  shadow.see({ name: "malloc", args: [10], result: ptr + 80 }, heap);
  shadow.see({ name: "aligned_alloc", args: [4096, 10], result: ptr + 160 }, heap);
  shadow.see({ name: "free", args: [ptr + 16], result: undefined }, heap);
  shadow.see({ name: "malloc_usable_size", args: [ptr], result: 99 }, heap);
  expect(shadow.wrong.length).toBe(4);
  expect(shadow.differences(heap)).toEqual(["the heap has 0 blocks, C 3"]);
});
