/** Behind a front calls overlap: an address can be somebody else's before the call that has let it go returns. */
import { agentCache, attachHeap, createHeap, type Plugin } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { mergeTraces, trace } from "@heapwright/trace";
import { describe, expect, it } from "vitest";
import { rowsOf } from "./fixtures/rows.js";

/** Stands below trace, and does something when the call below it is done. */
function meddle(hook: { run: () => void }): Plugin<"meddle", undefined> {
  const once = (): void => {
    const { run } = hook;
    hook.run = () => {};
    run();
  };
  return {
    abi: 1,
    name: "meddle",
    version: 1,
    phase: "guard",
    concurrent: true,
    create: ({ alloc, free, realloc }) => ({
      allocator: {
        alloc,
        free(ptr) {
          free(ptr);
          once();
        },
        realloc(ptr, size, align, tag) {
          const moved = realloc(ptr, size, align, tag);
          once();
          return moved;
        },
      },
      api: undefined,
    }),
  };
}

/** More than a front keeps. */
const LARGE = 20_000;

describe.each([0, 1, 2])("reading the clock each %i calls", (clock) => {
  function agents() {
    const hook = { run: (): void => {} };
    const stack = {
      strategy: hyperheap(),
      plugins: [agentCache(), trace({ clock }), meddle(hook)] as const,
    };
    const heap = createHeap({ memory: 1 << 20, ...stack });
    const other = attachHeap(heap.descriptor(), {
      strategy: hyperheap(),
      plugins: [agentCache(), trace({ clock }), meddle({ run: () => {} })],
    });
    return { heap, other, hook };
  }

  it("freed by one, made by the other before the free is done", () => {
    const { heap, other, hook } = agents();
    const ptr = heap.alloc(LARGE);
    let its = 0;
    hook.run = () => {
      its = other.alloc(LARGE);
    };
    heap.free(ptr);
    expect(its).toBe(ptr);
    other.free(its);
    const made = mergeTraces([other.trace.take(), heap.trace.take()]);
    expect(rowsOf(made)).toEqual([`malloc 0 ${LARGE}`, "free 0", `malloc 1 ${LARGE}`, "free 1"]);
    expect([...made.threads]).toEqual([1, 1, 2, 2]);
    expect([made.implied, made.leftOut]).toEqual([0, 0]);
  });

  it("left by a realloc, made by the other before that is done", () => {
    const { heap, other, hook } = agents();
    const ptr = heap.alloc(LARGE);
    heap.alloc(LARGE);
    let its = 0;
    hook.run = () => {
      its = other.alloc(LARGE);
    };
    const moved = heap.realloc(ptr, 3 * LARGE);
    expect([its, moved === ptr]).toEqual([ptr, false]);
    heap.free(moved);
    other.free(its);
    const made = mergeTraces([heap.trace.take(), other.trace.take()]);
    expect(rowsOf(made)).toEqual([
      ...[`malloc 0 ${LARGE}`, `malloc 1 ${LARGE}`, `malloc 2 ${LARGE}`, `realloc 0 ${3 * LARGE}`],
      ...["free 0", "free 2"],
    ]);
    expect([made.implied, made.leftOut]).toEqual([0, 0]);
  });
});
