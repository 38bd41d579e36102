/**
 * Words of the front's state are overwritten at random: in a snapshot that is restored, and in a heap that another agent joins. What comes of it is
 * a `HeapError`, or a heap; never anything else, never a loop without end, and never a byte outside the heap's region.
 */
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { type Scene, scene } from "../fixtures/front-scene.js";
import { findings } from "../fixtures/front-world.js";
import { attachHeap, type Heap, isHeapError, restoreHeap } from "../index.js";
import { agentCache } from "./agent-cache.js";

const BYTES = 128 << 10;
const GUARD = 0xa5;
/** Bytes before and behind the region. */
const AROUND = 64 << 10;
/** Milliseconds that one heap may take. */
const PATIENCE = 2000;

const stack = () => ({ strategy: hyperheap(), plugins: [agentCache()] });

function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Overwrites one to three words, most of them in what is in use. */
function damage({ cache }: Scene, words: Int32Array, random: (below: number) => number): string {
  const { plan } = cache;
  const state = cache.shared - (cache.base >>> 2);
  const parts = [
    [0, 64],
    [plan.shards, 3 * 48],
    [plan.records, 14 * plan.recordWords],
    [plan.records, 14 * plan.recordWords],
    [plan.map, plan.words - plan.map],
    [0, plan.words],
  ] as const;
  const done: string[] = [];
  for (let count = 1 + random(3); count > 0; count--) {
    const [first, length] = parts[random(parts.length)] as (typeof parts)[number];
    const word = state + first + random(length);
    const was = words[word] as number;
    const wrong = [
      was ^ (1 << random(32)),
      random(2 ** 32) | 0,
      random(20),
      was + 4096 * (random(9) - 4),
      words[state + random(plan.words)] as number,
      -(1 + random(100)),
      2 ** 30 + random(2 ** 30),
    ][random(7)] as number;
    words[word] = wrong;
    done.push(`word ${word - state} ${was} → ${wrong}`);
  }
  return done.join(", ");
}

/** Something of everything. */
function use(heap: Heap, random: (below: number) => number): void {
  const made: number[] = [];
  for (let round = 0; round < 12; round++) {
    const ptr = heap.alloc([16, 64, 100, 448, 512, 5000][random(6)] as number, random(8) === 0 ? 4096 : 16);
    if (ptr !== 0) made.push(ptr);
  }
  const kept = new Set(made.filter(() => random(2) === 0));
  for (const { ptr, state } of heap.blocks())
    if (state === "used" && !kept.has(ptr) && random(3) === 0) heap.free(ptr);
  heap.check();
  for (const ptr of kept) heap.realloc(ptr, 1 + random(600));
  const other = attachHeap(heap.descriptor(), stack());
  other.free(other.alloc(100));
  other.detach();
  expect(heap.usedBytes).toBeGreaterThanOrEqual(0);
  heap.reset?.();
  heap.free(heap.alloc(100));
  heap.detach();
}

/** The code of what was thrown, or "works". Anything but a `HeapError` is thrown on. */
function resultOf(work: () => void): string {
  try {
    work();
    return "works";
  } catch (error) {
    if (!isHeapError(error)) throw error;
    return error.code;
  }
}

describe("words at random", () => {
  it("in a snapshot: it is refused, or is a heap that works", () => {
    const it = scene(BYTES);
    expect(findings(it.heap)).toBe("");
    const sound = it.heap.snapshot();
    const random = randomFrom(11);
    const memory = new Uint8Array(new SharedArrayBuffer(BYTES + 2 * AROUND));
    const guard = new Uint8Array(AROUND).fill(GUARD);
    const results = new Map<string, number>();
    for (let round = 0; round < 2000; round++) {
      memory.fill(GUARD);
      const bytes = sound.slice();
      const what = damage(it, new Int32Array(bytes.buffer), random);
      const began = performance.now();
      let isRestored = false;
      let result = "";
      try {
        result = resultOf(() => {
          const heap = restoreHeap(bytes, {
            memory: memory.buffer as SharedArrayBuffer,
            base: AROUND,
            ...stack(),
          });
          isRestored = true;
          use(heap, random);
        });
      } catch (error) {
        throw new Error(`${what}: ${String(error)}`, { cause: error });
      }
      expect(performance.now() - began, what).toBeLessThan(PATIENCE);
      // A heap that was accepted has nothing wrong.
      expect(isRestored, `${what}: ${result}`).toBe(result === "works");
      for (const at of [0, AROUND + BYTES])
        expect(Buffer.compare(memory.subarray(at, at + AROUND), guard), what).toBe(0);
      results.set(result, (results.get(result) ?? 0) + 1);
    }
    expect(results.get("works")).toBeGreaterThan(200);
    expect([...results.keys()].sort()).toEqual(["ERR_HEAP_CORRUPT", "works"]);
  });

  it("in a heap that another agent joins: he is refused, and no block was touched, or goes on", () => {
    const it = scene(BYTES);
    const { u8, i32 } = it.heap.memory;
    const { areaStart } = it.heap.region;
    const descriptor = it.heap.descriptor();
    const image = u8.slice();
    const random = randomFrom(12);
    const results = new Map<string, number>();
    for (let round = 0; round < 500; round++) {
      u8.set(image);
      const what = damage(it, i32, random);
      const began = performance.now();
      let joined: Heap | undefined;
      const result = resultOf(() => {
        joined = attachHeap(descriptor, stack()) as Heap;
        use(joined, random);
      });
      expect(performance.now() - began, what).toBeLessThan(PATIENCE);
      if (joined === undefined)
        expect(Buffer.compare(u8.subarray(areaStart), image.subarray(areaStart)), what).toBe(0);
      results.set(result, (results.get(result) ?? 0) + 1);
    }
    expect(results.get("works")).toBeGreaterThan(100);
    expect([...results.keys()].sort()).toEqual(["ERR_HEAP_CORRUPT", "works"]);
  });
});
