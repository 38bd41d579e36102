/** `heap.recover`: who may be recovered, what it tells, and that every layer is asked, the innermost first. */
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import {
  agentCache,
  attachHeap,
  createHeap,
  defineStack,
  type Interrupted,
  type Lock,
  limit,
  type Plugin,
  restoreHeap,
  type Tag,
} from "./index.js";

const lock: Lock = { enter: () => {}, tryEnter: () => true, leave: () => {} };
const stack = defineStack({ strategy: hyperheap(), plugins: [limit({ bytes: 50_000 })] });

describe("heap.recover", () => {
  it("takes another agent of this heap, and no other number", () => {
    const heap = createHeap({ memory: 65536, ...stack, lock });
    const { agent } = attachHeap(heap.descriptor(), stack, { lock });
    expect(heap.recover(agent)).toEqual({
      agent,
      held: false,
      operation: "none",
      ptr: 0,
      size: 0,
      tag: 0,
      errors: [],
    });
    for (const wrong of [heap.agent, 0, agent + 1, -1, 1.5, Number.NaN, "2", undefined])
      expect(() => heap.recover(wrong as number)).toThrowError(
        expect.objectContaining({ code: "ERR_INVALID_OPTION" }),
      );
    heap.detach();
    expect(() => heap.recover(agent)).toThrowError(expect.objectContaining({ code: "ERR_DETACHED_HEAP" }));
  });

  it.each([
    ["a lock", () => [1 << 20, [], { lock }] as const],
    ["a lock on shared memory", () => [new SharedArrayBuffer(1 << 20), [], {}] as const],
    ["a front", () => [new SharedArrayBuffer(1 << 20), [agentCache()], {}] as const],
    ["a front, on memory of one agent", () => [1 << 20, [agentCache()], { lock }] as const],
  ])("tells nothing of calls that have come to an end: %s", (_, make) => {
    const [memory, plugins, options] = make();
    const parts = { strategy: hyperheap(), plugins };
    const heap = createHeap({ memory, ...parts, ...options });
    const idle = attachHeap(heap.descriptor(), parts, options);
    const ptr = idle.alloc(100, 16, 5000 as Tag);
    idle.alloc(100_000, 16, 5001 as Tag);
    idle.free(ptr);
    heap.alloc(300, 16, 5002 as Tag);
    const { agent } = idle;
    const nothing = { agent, held: false, operation: "none", ptr: 0, size: 0, tag: 0, errors: [] };
    expect(heap.recover(agent)).toEqual(nothing);
    expect(heap.recover(agent)).toEqual(nothing);
  });

  it.each([
    ["none", 0, 0, 0],
    ["alloc", 0, 30, 5000],
    ["free", 1, 0, 0],
    ["resize", 1, 30, 0],
    ["realloc", 1, 30, 5000],
    ["other", 0, 0, 0],
  ] as const)(
    "tells of %s what it was given, and nothing of the call before",
    (operation, given, size, tag) => {
      const heap = createHeap({ memory: 65536, ...stack, lock });
      const { agent } = attachHeap(heap.descriptor(), stack, { lock });
      const ptr = heap.alloc(100);
      const code = ["none", "alloc", "free", "resize", "realloc", "other"].indexOf(operation);
      heap.memory.u32.set([code, operation === "alloc" ? 0 : ptr, 30, 5000], 24);
      expect(heap.recover(agent)).toMatchObject({ operation, ptr: given * ptr, size, tag, errors: [] });
    },
  );

  it("is refused where the strategy cannot", () => {
    const strategy = hyperheap();
    const less = {
      ...strategy,
      create(ctx: Parameters<typeof strategy.create>[0]) {
        const made = strategy.create(ctx);
        const { recover: _, ...allocator } = made.allocator;
        return { ...made, allocator };
      },
    };
    const heap = createHeap({ memory: 65536, strategy: less, lock });
    attachHeap(heap.descriptor(), { strategy: less }, { lock });
    expect(() => heap.recover(2)).toThrowError(expect.objectContaining({ code: "ERR_UNSUPPORTED" }));
  });

  it("tells what was under way, and each layer, from the innermost out", () => {
    const told: [string, Interrupted][] = [];
    const listening = (name: string, rank: number): Plugin<string, undefined> => ({
      abi: 1,
      name,
      version: 1,
      phase: "guard",
      rank,
      create({ free, recover }) {
        return {
          allocator: {
            free(ptr) {
              if (name === "outer") free(ptr);
              else throw new Error("as if it ended here");
            },
            recover(interrupted) {
              recover?.(interrupted);
              told.push([name, interrupted]);
            },
          },
          api: undefined,
        };
      },
    });
    const plugins = [listening("outer", 0), listening("inner", 1)];
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins, lock });
    const other = attachHeap(heap.descriptor(), { strategy: hyperheap(), plugins }, { lock });
    const ptr = heap.alloc(100);
    expect(() => other.free(ptr)).toThrow("as if it ended here");
    // An error is no death: nothing is under way any more. So it is put back.
    const journal = heap.memory.u32.subarray(24, 29);
    expect([...journal]).toEqual([0, ptr, 100, 0, 0]);
    journal[0] = 2;
    expect(heap.recover(other.agent)).toMatchObject({ operation: "free", ptr, errors: [] });
    expect(told).toEqual([
      ["inner", { operation: "free", ptr, size: 0, tag: 0, made: 0 }],
      ["outer", { operation: "free", ptr, size: 0, tag: 0, made: 0 }],
    ]);
    expect([...journal]).toEqual([0, 0, 0, 0, 0]);
    expect(heap.usableSize(ptr)).toBe(112);
    // And again: what was handed out is nobody else's to free.
    heap.recover(other.agent);
    expect(heap.usableSize(ptr)).toBe(112);
  });

  it("says what is wrong with a heap all the same", () => {
    const heap = createHeap({ memory: 65536, ...stack, lock });
    attachHeap(heap.descriptor(), stack, { lock });
    const ptr = heap.alloc(100);
    heap.memory.u32[heap.region.base / 4] = 1;
    expect(heap.recover(2).errors).toMatchObject([{ code: "ERR_HEAP_CORRUPT" }]);
    heap.memory.u32[(ptr - 16) / 4] = 8;
    expect(() => heap.recover(2)).toThrowError(expect.objectContaining({ code: "ERR_HEAP_CORRUPT" }));
  });

  it("counts anew what limit had half counted", () => {
    const heap = createHeap({ memory: 65536, ...stack, lock });
    attachHeap(heap.descriptor(), stack, { lock });
    heap.alloc(100);
    heap.alloc(4096, 4096);
    const { u32 } = heap.memory;
    const at = u32.subarray(0, heap.region.areaStart / 4).indexOf(4208);
    expect(at).toBeGreaterThan(0);
    u32[at] = 12;
    heap.recover(2);
    expect(heap.limit.usedBytes).toBe(4208);
  });
});

describe("a copy of a heap", () => {
  it("keeps the block that was made last, whoever is recovered in it", () => {
    for (const options of [{}, { lock }]) {
      const heap = createHeap({ memory: 65536, ...stack, ...options });
      const [first, last] = [heap.alloc(100), heap.alloc(200)];
      const copy = restoreHeap(heap.snapshot(), {
        memory: new SharedArrayBuffer(65536),
        ...stack,
        ...options,
      });
      const { agent } = attachHeap(copy.descriptor(), stack, options);
      expect(copy.recover(agent).errors).toEqual([]);
      expect([copy.usableSize(first), copy.usableSize(last)]).toEqual([112, 208]);
    }
  });
});
