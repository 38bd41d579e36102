/** What has changed since: in the shape of what is given. */
import { createHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { type StatsSnapshot, stats } from "@heapwright/stats";
import { describe, expect, it } from "vitest";

function begun() {
  const heap = createHeap({
    memory: 1 << 18,
    strategy: hyperheap(),
    plugins: [stats({ sizeClasses: true })],
    name: "scene",
  });
  const [mesh, sound, still] = ["mesh", "sound", "still"].map((name) => heap.stats.tag(name));
  heap.alloc(100, 16, mesh);
  const ptr = heap.alloc(50, 16, sound);
  heap.alloc(10, 16, still);
  return { heap, mesh, sound, ptr };
}

describe("diff", () => {
  it("of a snapshot has the tags that changed, and those that are new", () => {
    const { heap, mesh, ptr } = begun();
    const before = JSON.parse(JSON.stringify(heap.stats)) as StatsSnapshot;
    heap.free(ptr);
    heap.alloc(300, 16, mesh);
    heap.alloc(1 << 20, 16, heap.stats.tag("new"));
    const { heap: name, totals, tags } = heap.stats.diff(before);
    expect(name).toBe("scene");
    expect(tags.map(({ name }) => name)).toEqual(["mesh", "sound", "new"]);
    const [ofMesh, ofSound, ofNew] = tags;
    expect(ofMesh).toMatchObject({
      tag: mesh,
      currentBytes: 300,
      peakBytes: 300,
      allocatedBytes: 300,
      freedBytes: 0,
      allocations: 1,
      frees: 0,
      liveBlocks: 1,
      sizeClasses: [{ upTo: 512, allocations: 1, liveBlocks: 1 }],
    });
    expect(ofSound).toMatchObject({
      currentBytes: -50,
      peakBytes: 0,
      freedBytes: 50,
      frees: 1,
      liveBlocks: -1,
      sizeClasses: [{ upTo: 64, allocations: 0, liveBlocks: -1 }],
    });
    expect(ofNew).toMatchObject({ failures: 1, allocations: 0 });
    expect(totals).toMatchObject({ currentBytes: 250, allocations: 1, frees: 1, failures: 1, capacity: 0 });
    expect(totals.free).toBeLessThan(0);
  });

  it("of all() has tags, of totals() totals", () => {
    const { heap, mesh } = begun();
    const [all, totals] = [heap.stats.all(), heap.stats.totals()];
    heap.alloc(7, 16, mesh);
    expect(heap.stats.diff(all)).toMatchObject([
      { tag: mesh, name: "mesh", allocatedBytes: 7, takenAllocatedBytes: 48 },
    ]);
    expect(heap.stats.diff(totals)).toMatchObject({ allocatedBytes: 7, allocations: 1, frees: 0 });
  });

  it("of nothing that happened is empty", () => {
    const { heap } = begun();
    const { totals, tags } = heap.stats.diff(heap.stats.toJSON());
    expect(tags).toEqual([]);
    expect(Object.values(totals).flat()).toEqual(new Array(16).fill(0));
  });

  it.each([[undefined], [null], [5], [{}], ["before"]])("refuses %s", (before) => {
    const { heap } = begun();
    expect(() => heap.stats.diff(before as never)).toThrowError(
      expect.objectContaining({ code: "ERR_INVALID_OPTION" }),
    );
  });
});
