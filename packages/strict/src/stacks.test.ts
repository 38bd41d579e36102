/** Stacks: which blocks have one, the same in each run; bounded; off means none. */
import { createHeap, limit } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { type StackMode, strict } from "@heapwright/strict";
import { describe, expect, it } from "vitest";
import { caught } from "./fixtures/caught.js";

const make = (stacks?: StackMode) =>
  createHeap({
    memory: 16 << 20,
    strategy: hyperheap(),
    plugins: [strict(stacks === undefined ? {} : { stacks })],
  });

/** Numbers of the live blocks whose stack is known. */
function known(heap: ReturnType<typeof make>): number[] {
  return heap.strict
    .leaks()
    .filter(({ stack }) => stack !== undefined)
    .flatMap(({ blocks }) => blocks.map(({ seq }) => seq))
    .sort((a, b) => a - b);
}

describe("stacks", () => {
  it("sampled, the default: about one block in 1,024, the same ones in each run", () => {
    const runs = [make(), make("sampled")].map((heap) => {
      for (let block = 0; block < 20_000; block++) heap.alloc(16);
      return known(heap);
    });
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]?.length).toBeGreaterThan(10);
    expect(runs[0]?.length).toBeLessThan(40);
  });

  it("off: none", () => {
    const heap = make("off");
    for (let block = 0; block < 5000; block++) heap.alloc(16);
    expect(known(heap)).toEqual([]);
  });

  it("all: every block, up to 16,384, of which the latest are kept", () => {
    const heap = make("all");
    for (let block = 0; block < 17_000; block++) heap.alloc(16);
    const kept = known(heap);
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([16_384, 617, 17_000]);
  });

  it("begin with the caller's frame, not with core's", () => {
    const heap = make("all");
    function caller(): number {
      return heap.alloc(16);
    }
    heap.free(caller());
    const kept = caller();
    expect(heap.strict.at(kept)?.stack?.split("\n")[0]).toMatch(/at caller /);
  });

  it.each(["throw", "report"] as const)("begin there below other layers, too, with onError %s", (policy) => {
    const found: Error[] = [];
    const heap = createHeap({
      memory: 1 << 20,
      strategy: hyperheap(),
      plugins: [
        strict({ stacks: "all", onError: policy === "throw" ? policy : (error) => found.push(error) }),
        stats(),
        limit({ bytes: 1 << 20 }),
      ],
    });
    function allocates(): number {
      return heap.alloc(16);
    }
    function frees(ptr: number): void {
      heap.free(ptr);
    }
    const ptr = allocates();
    frees(ptr);
    if (policy === "throw") found.push(caught(() => frees(ptr)));
    else frees(ptr);
    const freed = found[0].cause as Error;
    const first = ({ stack = "" }: Error): string | undefined => stack.split("\n")[1]?.trim().split(" ")[1];
    expect([first(freed), first(freed.cause as Error)]).toEqual(["frees", "allocates"]);
  });
});
