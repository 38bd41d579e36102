import { describe, expect, it } from "vitest";
import { loadTarget } from "../targets/index.js";
import type { Target } from "../targets/target.js";
import { checkBlocks, liveBytes, liveJob } from "./job.js";
import {
  fill,
  GREATEST_SIZE,
  LEAST_SIZE,
  MEAN_SIZE,
  randomSteps,
  replaceBlocks,
  replaceSizes,
} from "./replace.js";

/** Answers addresses nobody else has, and knows which are alive. */
function ledger(): { target: Target; alive: Map<number, number>; seen: number[] } {
  const alive = new Map<number, number>();
  const seen: number[] = [];
  let next = 16;
  const target: Target = {
    malloc(size) {
      const ptr = next;
      next += 1024;
      alive.set(ptr, size);
      seen.push(size);
      return ptr;
    },
    free(ptr) {
      if (!alive.delete(ptr)) throw new Error(`${ptr} is not alive`);
    },
    calloc: () => 0,
    realloc: () => 0,
    memalign: () => 0,
    buffer: () => new ArrayBuffer(0),
  };
  return { target, alive, seen };
}

describe("random replace", () => {
  it("keeps so many blocks alive, of 8 to 1000 bytes, and every block has its turn", () => {
    const { target, alive, seen } = ledger();
    const ptrs = new Int32Array(300);
    const sizes = new Int32Array(300);
    const steps = randomSteps(300, 13, 1);
    fill(ptrs, sizes, target, 2);
    expect(alive.size).toBe(300);
    const first = new Set(ptrs);
    for (const [from, count] of [
      [0, 5000],
      [5000, 5000],
    ]) {
      // biome-ignore format: a list
      replaceBlocks(steps, from, count, target, ptrs);
      replaceSizes(steps, from, count, sizes);
      expect(alive.size).toBe(300);
      expect([...ptrs].map((ptr) => alive.get(ptr))).toEqual([...sizes]);
    }
    expect([...ptrs].some((ptr) => first.has(ptr))).toBe(false);
    expect(seen).toHaveLength(300 + 10_000);
    expect([Math.min(...seen), Math.max(...seen)]).toEqual([LEAST_SIZE, GREATEST_SIZE]);
    const mean = seen.reduce((sum, size) => sum + size, 0) / seen.length;
    expect(Math.abs(mean - MEAN_SIZE)).toBeLessThan(10);
  });

  it("a seed gives the same steps again, another one others; they come round after their length", () => {
    const steps = randomSteps(50, 9, 7);
    expect(randomSteps(50, 9, 7)).toEqual(steps);
    expect(randomSteps(50, 9, 8)).not.toEqual(steps);
    expect(steps.slots).toHaveLength(512);
    expect([...steps.slots].every((slot) => slot >= 0 && slot < 50)).toBe(true);

    const [one, two] = [ledger(), ledger()];
    const held = [new Int32Array(50), new Int32Array(50)];
    for (const [index, { target }] of [one, two].entries()) fill(held[index], new Int32Array(50), target, 3);
    replaceBlocks(steps, 0, 1024, one.target, held[0]);
    replaceBlocks(steps, 0, 512, two.target, held[1]);
    replaceBlocks(steps, 512, 512, two.target, held[1]);
    expect(two.seen).toEqual(one.seen);
    expect(one.seen.slice(50, 562)).toEqual(one.seen.slice(562));
  });

  it("says so when memory is out", () => {
    const { target } = ledger();
    const ptrs = new Int32Array(3);
    expect(() => fill(ptrs, new Int32Array(3), { ...target, malloc: () => 0 }, 1)).toThrow("bytes");
    fill(ptrs, new Int32Array(3), target, 1);
    expect(() => replaceBlocks(randomSteps(3, 2, 1), 0, 1, { ...target, malloc: () => 0 }, ptrs)).toThrow(
      "bytes",
    );
  });

  it("blocks must be aligned and apart", () => {
    const check = (ptrs: number[], sizes: number[]) => () =>
      checkBlocks(Int32Array.from(ptrs), Int32Array.from(sizes), 16);
    expect(check([48, 16, 1072], [1000, 32, 8])).not.toThrow();
    expect(check([48, 16], [8, 33])).toThrow("overlaps");
    expect(check([24], [8])).toThrow("not 16-aligned");
  });
});

describe("the job", () => {
  it.each(["hyperheap", "dlmalloc", "as-tlsf", "thi.ng"])("measures both patterns on %s", async (name) => {
    const module = await loadTarget(name);
    const job = await liveJob({ kind: "live", target: name, blocks: 60, limitMs: 60_000 }, module);
    expect(job.loaded.note).toBeUndefined();
    expect(job.loaded.estimateMs).toBeGreaterThan(0);
    expect(job.warm(1, 5)).toBeGreaterThan(0);
    const { learned, random } = job.round(1);
    expect(Math.min(learned.ns, random.ns)).toBeGreaterThan(0);
  });

  it("gives up on who cannot replace every block once in time", async () => {
    const module = await loadTarget("hyperheap");
    const spec = { kind: "live", target: "hyperheap", blocks: 50_000, limitMs: 0 } as const;
    await expect(liveJob(spec, module)).rejects.toThrow("of the blocks replaced");
  });

  it("gives everybody one and a half times what is alive", () => {
    expect(liveBytes(1_000_000)).toBeGreaterThan(1.5 * 1_000_000 * 504);
    expect(liveBytes(1_000_000)).toBeLessThan(1 << 30);
    expect(liveBytes(1)).toBe(1 << 20);
  });
});
