/**
 * Frees that are refused: of what was freed before, of what is no block. Every layer above strict is told, so that none counts them; the
 * user gets what `onError` says, once.
 */
import { arena } from "@heapwright/arena";
import {
  agentCache,
  attachHeap,
  createHeap,
  defineStack,
  failEvery,
  type HeapError,
  limit,
  type Plugin,
  type PluginInput,
} from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { type StrictApi, type StrictOptions, strict } from "@heapwright/strict";
import { trace } from "@heapwright/trace";
import { afterEach, describe, expect, it, vi } from "vitest";
import { highWater } from "../../../docs/examples/high-water.js";
import { caught } from "./fixtures/caught.js";

const MIB = 1 << 20;

const ABOVE = {
  nothing: () => [],
  limit: () => [limit({ bytes: MIB })],
  stats: () => [stats({ shortLived: 1000, sizeClasses: true })],
  highWater: () => [highWater()],
  trace: () => [trace()],
  failEvery: () => [failEvery(1000)],
  all: () => [limit({ bytes: MIB }), stats({ shortLived: 1000 }), highWater(), trace()],
} satisfies Record<string, () => readonly PluginInput[]>;

const PARTS: readonly (readonly [string, StrictOptions])[] = [
  ["every decorator", {}],
  ["a fence only", { poison: false, delayedFree: false }],
  ["a quarantine only", { fence: false, poison: false }],
  ["no decorator", { fence: false, poison: false, delayedFree: false }],
];

const MEMORIES: readonly (readonly [string, () => ArrayBuffer | SharedArrayBuffer])[] = [
  ["own memory", () => new ArrayBuffer(MIB)],
  ["shared memory", () => new SharedArrayBuffer(MIB)],
];

interface Reporting {
  readonly strict: StrictApi;
}

/** The heap's figures are the union of what the stacks have. */
interface Layered {
  readonly limit?: { readonly usedBytes: number };
  readonly stats?: { toJSON(): { readonly totals: object; readonly tags: object } };
  readonly highWater?: { readonly bytes: number; readonly peakBytes: number };
  readonly delayedFree?: { drain(): void };
}

function make(
  above: readonly PluginInput[],
  options: StrictOptions,
  memory: ArrayBuffer | SharedArrayBuffer,
) {
  const heap = createHeap({ memory, base: 4096, strategy: hyperheap(), plugins: [above, strict(options)] });
  const layered = heap as typeof heap & Layered;
  return {
    heap,
    figures: () => ({
      limit: layered.limit?.usedBytes,
      stats: layered.stats?.toJSON(),
      highWater: [layered.highWater?.bytes, layered.highWater?.peakBytes],
      used: heap.usedBytes,
      quarantined: heap.quarantinedBytes,
    }),
    drain: () => layered.delayedFree?.drain(),
  };
}
type Made = ReturnType<typeof make>;

/** Addresses that cannot be freed, made on a heap where blocks live. */
const WRONG: readonly (readonly [string, string, (made: Made) => number])[] = [
  [
    "a block freed just before",
    "ERR_DOUBLE_FREE",
    ({ heap }) => {
      const ptr = heap.alloc(100);
      heap.alloc(100);
      heap.free(ptr);
      return ptr;
    },
  ],
  [
    "a block freed long ago",
    "ERR_DOUBLE_FREE",
    ({ heap, drain }) => {
      const ptr = heap.alloc(100);
      heap.alloc(100);
      heap.free(ptr);
      drain();
      return ptr;
    },
  ],
  ["an address inside of a block", "ERR_INVALID_POINTER", ({ heap }) => heap.alloc(100) + 48],
  ["an unaligned address", "ERR_INVALID_POINTER", ({ heap }) => heap.alloc(100) + 4],
  [
    "a page run freed just before",
    "ERR_DOUBLE_FREE",
    ({ heap }) => {
      const ptr = heap.alloc(5000, 4096);
      heap.free(ptr);
      return ptr;
    },
  ],
  ["a page inside of a run", "ERR_INVALID_POINTER", ({ heap }) => heap.alloc(9000, 4096) + 4096],
  ["an address before the heap", "ERR_INVALID_POINTER", () => 16],
  ["an address in the heap's header", "ERR_INVALID_POINTER", ({ heap }) => heap.region.base + 64],
  ["an address behind the heap", "ERR_INVALID_POINTER", ({ heap }) => heap.region.areaEnd + 64],
];

const cases = Object.entries(ABOVE).flatMap(([above, plugins]) =>
  PARTS.flatMap(([parts, options]) =>
    MEMORIES.map(([where, memory]) => ({ above, plugins, parts, options, where, memory })),
  ),
);

afterEach(() => {
  vi.restoreAllMocks();
});

it("damage that a layer above comes upon is reported, as what it comes upon itself", () => {
  const [alone, below] = [ABOVE.nothing(), ABOVE.limit()].map((plugins) => {
    const found: HeapError[] = [];
    const made = make(plugins, { onError: (error) => found.push(error as HeapError) }, new ArrayBuffer(MIB));
    const ptr = made.heap.alloc(100);
    made.heap.memory.u32[(ptr - 24) >>> 2] = 5000; // the size the fence keeps
    made.heap.memory.u8[ptr - 1] ^= 0xff;
    const before = made.figures();
    const thrown = caught(() => made.heap.free(ptr));
    expect(made.figures()).toEqual(before);
    return [...found, thrown].map(({ code, foundAt }) => [code, foundAt]);
  });
  expect(below).toEqual(alone);
  expect(below).toEqual([
    ["ERR_HEAP_UNDERFLOW", "free(), agent 1"],
    ["ERR_HEAP_CORRUPT", "free(), agent 1"],
  ]);
});

it("damage that a layer above comes upon is kept where it is thrown, too", () => {
  for (const above of [ABOVE.nothing(), ABOVE.limit(), ABOVE.all()]) {
    const { heap } = make(above, {}, new ArrayBuffer(MIB));
    const ptr = heap.alloc(100);
    heap.memory.u8[ptr - 1] ^= 0xff;
    const error = caught(() => heap.free(ptr));
    expect(error).toMatchObject({ code: "ERR_HEAP_UNDERFLOW", foundAt: "free(), agent 1" });
    expect(heap.strict.reports).toEqual([error]);
    heap.free(ptr);
    expect(heap.strict.reports).toHaveLength(1);
    heap.check();
  }
});

it.each([
  ["throw", false],
  ["throw", true],
  ["report", false],
  ["report", true],
] as const)(
  "behind a front a wrong free is found at free() and kept: %s, stats above: %s",
  (how, counted) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const heap = createHeap({
      memory: new SharedArrayBuffer(4 * MIB),
      strategy: hyperheap(),
      plugins: [counted && stats(), agentCache(), strict({ onError: how, stacks: "off" })],
    });
    const ptr = heap.alloc(100);
    heap.free(ptr);
    if (how === "throw") expect(caught(() => heap.free(ptr)).code).toBe("ERR_DOUBLE_FREE");
    else heap.free(ptr);
    expect(heap.strict.reports).toMatchObject([{ code: "ERR_DOUBLE_FREE", foundAt: "free(), agent 1" }]);
  },
);

it("a free that another layer asks for, in no free of the user, is reported and nothing more", () => {
  const found: HeapError[] = [];
  const once: Plugin = {
    abi: 1,
    name: "once",
    version: 1,
    phase: "account",
    create: ({ alloc, free }) => ({
      allocator: {
        alloc(size, align, tag) {
          free(64);
          return alloc(size, align, tag);
        },
      },
      api: undefined,
    }),
  };
  const { heap } = make([once], { onError: (error) => found.push(error as HeapError) }, new ArrayBuffer(MIB));
  expect(heap.alloc(16)).toBeGreaterThan(0);
  expect(found).toMatchObject([{ code: "ERR_INVALID_POINTER", ptr: 64, foundAt: "free(), agent 1" }]);
});

it("an error that a layer above makes itself is made a report of", () => {
  const found: HeapError[] = [];
  const strange: Plugin = {
    abi: 1,
    name: "strange",
    version: 1,
    phase: "limit",
    create: (_, ctx) => ({
      allocator: {
        free(ptr) {
          throw ctx.error(ptr % 32 === 0 ? "ERR_INVALID_POINTER" : "ERR_UNSUPPORTED", "not this one", {
            ptr,
          });
        },
      },
      api: undefined,
    }),
  };
  const { heap } = make(
    [strange],
    { onError: (error) => found.push(error as HeapError) },
    new ArrayBuffer(MIB),
  );
  heap.free(32);
  expect(found).toMatchObject([{ code: "ERR_INVALID_POINTER", ptr: 32, foundAt: "free(), agent 1" }]);
  expect(caught(() => heap.free(48)).code).toBe("ERR_UNSUPPORTED");
  expect(found).toHaveLength(1);
});

it("each heap and agent of one strict() has its own reports, whatever it does with errors", () => {
  const found: HeapError[] = [];
  const plugins = [limit({ bytes: MIB }), strict({ onError: (error) => found.push(error as HeapError) })];
  const stack = defineStack({ strategy: hyperheap(), plugins });
  const heap = createHeap({ memory: new SharedArrayBuffer(MIB), ...stack });
  const other = createHeap({ memory: MIB, ...stack });
  const agent = attachHeap(heap.descriptor(), stack);
  const throwing = attachHeap(heap.descriptor(), {
    strategy: hyperheap(),
    plugins: [limit({ bytes: MIB }), strict()],
  });
  const ptr = heap.alloc(100);
  agent.free(ptr);
  heap.free(ptr);
  agent.free(ptr);
  agent.free(ptr + 16);
  other.free(other.alloc(16) + 16);
  expect(caught(() => throwing.free(ptr)).code).toBe("ERR_DOUBLE_FREE");
  const counts = [heap, agent, throwing, other].map(
    (each) => (each as unknown as Reporting).strict.reports.length,
  );
  expect(counts).toEqual([1, 2, 1, 1]);
  expect(found.map(({ foundAt }) => foundAt)).toEqual([1, 2, 2, 1].map((id) => `free(), agent ${id}`));
  heap.check();
});

it("report writes each to the console, once", () => {
  const lines: string[] = [];
  vi.spyOn(console, "error").mockImplementation((text: string) => void lines.push(text));
  const { heap } = make(ABOVE.all(), { onError: "report" }, new ArrayBuffer(MIB));
  const ptr = heap.alloc(10);
  heap.free(ptr);
  heap.free(ptr);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^heap "heap": DoubleFreeError \[ERR_DOUBLE_FREE\]: 0x\w+ was freed before/);
});

it("a function that throws what it gets is as good as throw", () => {
  const onError = (error: Error): never => {
    throw error;
  };
  const made = make(ABOVE.all(), { onError }, new ArrayBuffer(MIB));
  const ptr = made.heap.alloc(10);
  made.heap.free(ptr);
  const before = made.figures();
  expect(caught(() => made.heap.free(ptr)).code).toBe("ERR_DOUBLE_FREE");
  expect(made.figures()).toEqual(before);
  expect(made.heap.strict.reports).toHaveLength(1);
});

describe.each(cases)("$above above strict with $parts, in $where", ({ plugins, options, memory }) => {
  function heapWith(onError: StrictOptions["onError"]): Made {
    const made = make(plugins(), { stacks: "off", ...options, ...(onError && { onError }) }, memory());
    for (const size of [10, 200, 3000]) made.heap.alloc(size);
    return made;
  }

  it.each(WRONG)("reported: %s is no free, and no error, and one report", (_, code, wrong) => {
    const found: HeapError[] = [];
    const made = heapWith((error) => found.push(error as HeapError));
    const ptr = wrong(made);
    const before = made.figures();
    for (const times of [1, 2]) {
      made.heap.free(ptr);
      expect(found.map((error) => [error.code, error.ptr, error.foundAt])).toEqual(
        Array.from({ length: times }, () => [code, ptr, "free(), agent 1"]),
      );
      // Made a report of once, not twice.
      expect(found[0].message.match(/found at/g)).toHaveLength(1);
      expect(made.heap.strict.reports).toEqual(found);
      expect(made.figures()).toEqual(before);
    }
    made.heap.check();
    made.heap.free(made.heap.alloc(20));
    expect(found).toHaveLength(2);
  });

  it.each(WRONG)("thrown: %s is no free, and one error", (_, code, wrong) => {
    const made = heapWith("throw");
    const ptr = wrong(made);
    const before = made.figures();
    const errors = [1, 2].map(() => caught(() => made.heap.free(ptr)));
    for (const error of errors) {
      expect(error).toMatchObject({ code, ptr, foundAt: "free(), agent 1" });
      expect(error.message.match(/found at/g)).toHaveLength(1);
    }
    expect(made.heap.strict.reports).toEqual(errors);
    expect(made.figures()).toEqual(before);
    made.heap.check();
  });

  it("a realloc of what is no block is thrown in any case, and reported by nobody", () => {
    const made = heapWith(() => {});
    const ptr = WRONG[0][2](made);
    const before = made.figures();
    expect(caught(() => made.heap.realloc(ptr, 500)).foundAt).toMatch(/realloc\(\)/);
    expect(caught(() => made.heap.usableSize(ptr)).foundAt).toBe("usableSize() or realloc(), agent 1");
    expect(made.heap.strict.reports).toEqual([]);
    expect(made.figures()).toEqual(before);
    made.heap.check();
  });
});

describe("over a strategy that frees its last block", () => {
  const make = (onError: "report" | "throw" | ((error: Error) => void), options: StrictOptions) =>
    createHeap({
      memory: MIB,
      strategy: arena(),
      plugins: [stats(), strict({ ...options, onError, stacks: "off" })],
    });

  it.each(PARTS)(
    "with %s what is no block is reported, once, and what is not the last one is refused",
    (_, options) => {
      const found: HeapError[] = [];
      const heap = make((error) => found.push(error as HeapError), options);
      const [first, last] = [heap.alloc(100), heap.alloc(100)];
      for (const ptr of [first + 16, 2 ** 31, last + 48]) {
        heap.free(ptr);
        expect(found.splice(0).map(({ code, ptr: at }) => [code, at])).toEqual([
          ["ERR_INVALID_POINTER", ptr],
        ]);
      }
      expect(() => heap.free(first)).toThrow(expect.objectContaining({ code: "ERR_UNSUPPORTED" }));
      heap.free(last);
      expect(found).toEqual([]);
      heap.free(last);
      expect(found.splice(0).map(({ code }) => code)).toEqual(["ERR_DOUBLE_FREE"]);
      expect(heap.stats.toJSON().totals).toMatchObject({ allocations: 2, frees: 1, liveBlocks: 1 });
      heap.free(first);
      heap.check();
      expect(found).toEqual([]);
    },
  );

  it("and is thrown where errors are", () => {
    const heap = make("throw", {});
    const ptr = heap.alloc(100);
    expect(() => heap.free(ptr + 16)).toThrow(expect.objectContaining({ code: "ERR_INVALID_POINTER" }));
    heap.free(ptr);
    expect(() => heap.free(ptr)).toThrow(expect.objectContaining({ code: "ERR_DOUBLE_FREE" }));
  });
});
