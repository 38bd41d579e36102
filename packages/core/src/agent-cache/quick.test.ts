import { hyperheap } from "@heapwright/hyperheap";
import { expect, it } from "vitest";
import { agentCache, createHeap, attachHeap } from "../index.js";
for (const shared of [false, true]) it("quick " + shared, () => {
  const memory = shared ? new SharedArrayBuffer(1<<20) : new ArrayBuffer(1<<20);
  const heap = createHeap({ memory, strategy: hyperheap(), plugins: [agentCache()] });
  const two = attachHeap(heap.descriptor(), { strategy: hyperheap(), plugins: [agentCache()] });
  const live: [number, number][] = [];
  let seed = 1; const below = (n: number) => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return Math.floor(seed / 2**32 * n); };
  for (let step = 0; step < 20000; step++) {
    const h = below(2) ? heap : two;
    if (live.length < 300 && below(100) < 55) {
      const size = 1 + below(below(10) === 0 ? 5000 : 300);
      const p = h.alloc(size); if (p === 0) continue;
      h.memory.u8.fill(live.length & 255, p, p + size);
      live.push([p, size]);
    } else if (live.length) { const [[p]] = live.splice(below(live.length), 1) as any; h.free(p); if (below(50)===0) expect(() => h.free(p)).toThrow(); }
    if (step % 500 === 0) { heap.check(); two.check();
      const used = [...heap.blocks()].filter(b => b.state === "used" || b.state === "page"); expect(used.length).toBe(live.length);
      expect(heap.usedBytes + heap.pageBytes).toBe(used.reduce((s, b) => s + b.usable, 0));
      expect(heap.capacity).toBe(heap.usedBytes+heap.freeBytes+heap.overheadBytes+heap.pageBytes+heap.pageFreeBytes+heap.quarantinedBytes);
    }
  }
  two.detach(); heap.check();
  for (const [p] of live) heap.free(p);
  heap.check();
  console.log(heap.contention, heap.usedBytes, heap.pageBytes, heap.freeBytes);
  heap.detach();
});
