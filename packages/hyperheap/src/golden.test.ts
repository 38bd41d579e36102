/**
 * Golden vectors: every address, every `freeBytes`, the final chunks. Made by an independent model of the placement rules.
 */
import { readFileSync } from "node:fs";
import { type Align, createHeap, type Heap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";

type Operation = ["a", number, number, Align] | ["f", number];
interface Golden {
  readonly name: string;
  readonly areaBytes: number;
  readonly areaStartMod4096: number;
  readonly pageBoundary: number;
  readonly ops: readonly Operation[];
  readonly expect: readonly [number, number][];
  readonly final: readonly [number, number, 0 | 1][];
}

const FILES = ["table-22", "first-fit-small", "first-fit-full", "aligned", "pages", "aligned-pages"];

function load(name: string): Golden {
  return JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf8"));
}

/** A heap whose area has just the size and the alignment the vector asks for. */
export function heapFor(areaBytes: number, areaStartMod4096: number, slots: number): Heap {
  const memory = new ArrayBuffer(areaBytes + 65536);
  const make = (base: number, bytes: number): Heap =>
    createHeap({ memory, base, bytes, strategy: hyperheap() });
  let bytes = areaBytes;
  for (let tries = 0; tries < 4096; tries++) {
    const { base, areaStart, areaEnd } = make(0, bytes).region;
    const missing = areaBytes - (areaEnd - areaStart);
    if (missing === 0) {
      const shift = (areaStartMod4096 - ((areaStart - base) % 4096) + 4096) % 4096;
      return make(shift, bytes);
    }
    bytes += missing;
  }
  throw new Error(`no region has an area of ${areaBytes} bytes (${slots} slots)`);
}

describe.each(FILES)("golden vectors: %s", (name) => {
  const golden = load(name);

  it("matches every address and every freeBytes", () => {
    const heap = heapFor(golden.areaBytes, golden.areaStartMod4096, 0);
    const { areaStart } = heap.region;
    expect(areaStart % 4096).toBe(golden.areaStartMod4096);
    expect(heap.capacity).toBe(golden.areaBytes);
    const live = new Map<number, number>();
    const found: [number, number][] = [];
    for (const op of golden.ops) {
      const id = op[1];
      let address = -1;
      if (op[0] === "a") {
        const ptr = heap.allocUnsafe(op[2], op[3]);
        if (ptr !== 0) {
          live.set(id, ptr);
          address = ptr - areaStart;
        }
      } else {
        const ptr = live.get(id) ?? 0;
        heap.free(ptr);
        live.delete(id);
        address = 0;
      }
      found.push([address, heap.freeBytes]);
    }
    expect(found.length).toBe(golden.expect.length);
    for (const [index, pair] of found.entries()) {
      expect(pair, `operation ${index}: ${JSON.stringify(golden.ops[index])}`).toEqual(golden.expect[index]);
    }
    heap.check();
    expect(chunks(heap)).toEqual(golden.final);
  });
});

/** The chain, read from the headers alone: `[offset, size with header, used]`. */
function chunks(heap: Heap): [number, number, number][] {
  const { u32, i32 } = heap.memory;
  const { areaStart } = heap.region;
  const list: [number, number, number][] = [];
  const boundary = [...heap.blocks()].find((block) => block.state === "page")?.ptr ?? heap.region.areaEnd;
  for (let chunk = areaStart; ; ) {
    const next = u32[chunk >>> 2];
    const used = i32[(chunk + 4) >>> 2] & 1;
    list.push([chunk - areaStart, next === 0 ? boundary - chunk : next, used]);
    if (next === 0) return list;
    chunk += next;
  }
}
