/** Counting in shards, behind a front: several agents of one thread beside a plain count of what they did. */
import { agentCache, attachHeap, createHeap, type Heap, type Tag } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import type { StatsApi } from "./api.js";
import { SLACK } from "./sharded.js";
import { stats } from "./stats.js";

type Counting = Heap & { readonly stats: StatsApi };

const stack = () => ({
  strategy: hyperheap(),
  plugins: [agentCache(), stats({ maxTags: 4, sizeClasses: true })],
});

function agents(count: number): Counting[] {
  const heap = createHeap({ memory: new SharedArrayBuffer(2 << 20), ...stack() }) as Counting;
  const others = Array.from({ length: count - 1 }, () => attachHeap(heap.descriptor(), stack()) as Counting);
  return [heap, ...others];
}

describe("counts of several agents", () => {
  it("are the sum of what each did, whoever freed whose block, and whoever asks", () => {
    const heaps = agents(3);
    const tags = ["one", "two"].map((name) => (heaps[0] as Counting).stats.tag(name));
    const model = [0, 1].map(() => ({
      allocations: 0,
      frees: 0,
      currentBytes: 0,
      allocatedBytes: 0,
      peakBytes: 0,
    }));
    const live: [number, number, number][] = [];
    for (let round = 0; round < 3000; round++) {
      const heap = heaps[(round * 7) % 3] as Counting;
      if (round % 5 < 3) {
        const size = 1 + ((round * 131) % 1500);
        const ptr = heap.alloc(size, 16, tags[round % 2] as Tag);
        if (ptr === 0) continue;
        live.push([ptr, size, round % 2]);
        const of = model[round % 2] as (typeof model)[number];
        of.allocations++;
        of.currentBytes += size;
        of.allocatedBytes += size;
      } else {
        const [ptr, size, tag] = live.splice((round * 13) % live.length, 1)[0] as (typeof live)[number];
        heap.free(ptr);
        const of = model[tag] as (typeof model)[number];
        of.frees++;
        of.currentBytes -= size;
      }
      for (const of of model) of.peakBytes = Math.max(of.peakBytes, of.currentBytes);
      if (round % 250 !== 0) continue;
      for (const [index, { peakBytes, ...of }] of model.entries()) {
        const asker = heaps[round % 3] as Counting;
        const found = asker.stats.get(tags[index] as Tag);
        expect(found).toMatchObject({ ...of, liveBlocks: of.allocations - of.frees });
        // Each agent may have kept so many bytes to itself when they were at their most.
        expect(found.peakBytes).toBeLessThanOrEqual(peakBytes + 3 * SLACK);
        expect(found.peakBytes).toBeGreaterThanOrEqual(peakBytes - 3 * SLACK);
        expect(found.peakBytes).toBeGreaterThanOrEqual(of.currentBytes);
        const classes = found.sizeClasses ?? [];
        expect(classes.reduce((sum, { liveBlocks }) => sum + liveBlocks, 0)).toBe(of.allocations - of.frees);
      }
      asks(heaps);
    }
    heaps[2]?.detach();
    for (const [ptr] of live) heaps[1]?.free(ptr);
    expect(heaps[0]?.stats.totals()).toMatchObject({ currentBytes: 0, liveBlocks: 0, takenCurrentBytes: 0 });
    heaps[0]?.check();
  });

  it("have a peak that is at least what they were whenever somebody read them, and no more than it was", () => {
    const [one, two] = agents(2) as [Counting, Counting];
    const tag = one.stats.tag("peak");
    let most = 0;
    for (let round = 1; round <= 40; round++) {
      const blocks = Array.from({ length: round }, (_, index) =>
        (index % 2 === 0 ? one : two).alloc(100, 16, tag),
      );
      expect(two.stats.get(tag)).toMatchObject({ currentBytes: 100 * round, peakBytes: 100 * round });
      most = 100 * round;
      for (const ptr of blocks) one.free(ptr);
      expect(one.stats.get(tag)).toMatchObject({ currentBytes: 0, peakBytes: most });
    }
  });

  it("have the peak of what nobody read, less at most the slack of each agent", () => {
    const [one, two] = agents(2) as [Counting, Counting];
    const tag = one.stats.tag("peak");
    const blocks = Array.from({ length: 400 }, (_, index) =>
      (index % 2 === 0 ? one : two).alloc(1000, 16, tag),
    );
    for (const ptr of blocks) two.free(ptr);
    const { peakBytes, currentBytes } = one.stats.get(tag);
    expect(currentBytes).toBe(0);
    expect(peakBytes).toBeLessThanOrEqual(400_000);
    expect(peakBytes).toBeGreaterThan(400_000 - 2 * SLACK);
    expect(one.stats.totals().peakBytes).toBe(peakBytes);
  });
});

/** Every agent is told the same. */
function asks(heaps: readonly Counting[]): void {
  const [first, ...rest] = heaps.map((heap) => JSON.stringify(heap.stats.all()));
  for (const other of rest) expect(other).toBe(first);
}
