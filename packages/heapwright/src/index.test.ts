/** The front door is core with a strategy for who names none, and the packages behind it are themselves. */
import * as arenaItself from "@heapwright/arena";
import * as core from "@heapwright/core";
import * as hyperheapItself from "@heapwright/hyperheap";
import * as slabItself from "@heapwright/slab";
import * as statsItself from "@heapwright/stats";
import * as strictItself from "@heapwright/strict";
import * as tlsfItself from "@heapwright/tlsf";
import * as traceItself from "@heapwright/trace";
import * as wasmItself from "@heapwright/wasm";
import { describe, expect, it } from "vitest";
import manifest from "../package.json" with { type: "json" };
import * as arena from "./arena.js";
import * as hyperheap from "./hyperheap.js";
import * as door from "./index.js";
import * as slab from "./slab.js";
import * as stats from "./stats.js";
import * as strict from "./strict.js";
import * as tlsf from "./tlsf.js";
import * as trace from "./trace.js";
import * as wasm from "./wasm.js";

const { attachHeap, createHeap, defineStack, isHeapError, restoreHeap } = door;
const [ours, theirs] = [{ ...door }, { ...core }];
type Name = keyof typeof theirs;
const SUBPATHS = { arena, hyperheap, slab, stats, strict, tlsf, trace, wasm };
const PACKAGES = {
  arena: arenaItself,
  hyperheap: hyperheapItself,
  slab: slabItself,
  stats: statsItself,
  strict: strictItself,
  tlsf: tlsfItself,
  trace: traceItself,
  wasm: wasmItself,
};

/** Names and parts of what a heap says it was made of. */
function strategyOf(heap: door.Heap): string {
  const { u8, u32 } = heap.memory;
  const [at, length] = [28, 32].map((offset) => u32[(heap.region.base + offset) >>> 2]);
  const text = new TextDecoder().decode(u8.slice(heap.region.base + at, heap.region.base + at + length));
  return JSON.parse(text).strategy.name;
}

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("the front door", () => {
  it("exports all of core, four functions of its own", () => {
    expect(Object.keys(door).sort()).toEqual(Object.keys(core).sort());
    const own = Object.keys(core).filter((name) => ours[name as Name] !== theirs[name as Name]);
    expect(own.sort()).toEqual(["attachHeap", "createHeap", "defineStack", "restoreHeap"]);
  });

  it.each(Object.keys(PACKAGES) as (keyof typeof PACKAGES)[])(
    "heapwright/%s is the package of that name",
    (name) => {
      expect(Object.keys(PACKAGES[name]).length).toBeGreaterThan(0);
      expect({ ...SUBPATHS[name] }).toEqual({ ...PACKAGES[name] });
    },
  );

  it("has a subpath for each, and depends on nothing else", () => {
    const names = Object.keys(PACKAGES);
    expect(Object.keys(manifest.exports).sort()).toEqual(
      [".", "./package.json", ...names.map((name) => `./${name}`)].sort(),
    );
    expect(Object.keys(manifest.dependencies).sort()).toEqual(
      ["core", ...names].map((name) => `@heapwright/${name}`).sort(),
    );
  });
});

describe("without a strategy", () => {
  it("createHeap takes hyperheap, with plugins and whatever else", () => {
    const heap = createHeap({ memory: 1 << 20, base: 128, name: "scene", plugins: [stats.stats()] });
    expect([strategyOf(heap), heap.region.base, heap.name]).toEqual(["hyperheap", 128, "scene"]);
    heap.alloc(10, 16, heap.stats.tag("row"));
    expect(heap.stats.get("row")?.currentBytes).toBe(10);
    expect(strategyOf(createHeap({ memory: 1 << 20, strategy: undefined }))).toBe("hyperheap");
    heap.check();
  });

  it("attachHeap and restoreHeap find the heap of one", () => {
    const heap = createHeap({ memory: new SharedArrayBuffer(1 << 20) });
    const { ptr, bytes } = heap.string("kept");
    expect(attachHeap(heap.descriptor()).text(ptr, bytes)).toBe("kept");
    expect(attachHeap(heap.descriptor(), {}, { growth: { step: 4096 } }).agent).toBe(3);
    const copy = restoreHeap(heap.snapshot());
    expect(copy.text(copy.toPtr(heap.toOffset(ptr)), bytes)).toBe("kept");
    expect(restoreHeap(heap.snapshot(), { base: 4096, memory: 1 << 21 }).region.base).toBe(4096);
  });

  it("defineStack makes one that all agents can give", () => {
    const stack = defineStack({ plugins: [door.limit({ bytes: 1000 })] });
    expect(stack.strategy.name).toBe("hyperheap");
    const heap = createHeap({ memory: new SharedArrayBuffer(1 << 20), ...stack });
    heap.alloc(500);
    expect(attachHeap(heap.descriptor(), stack).limit.usedBytes).toBe(heap.limit.usedBytes);
  });
});

describe("with a strategy", () => {
  it.each([
    ["tlsf", () => tlsf.tlsf()],
    ["arena", () => arena.arena()],
    ["hyperheap", () => hyperheap.hyperheap()],
  ] as const)("it is %s", (name, make) => {
    const heap = createHeap({ memory: new SharedArrayBuffer(1 << 20), strategy: make() });
    expect(strategyOf(heap)).toBe(name);
    expect(strategyOf(attachHeap(heap.descriptor(), { strategy: make() }))).toBe(name);
    expect(strategyOf(restoreHeap(heap.snapshot(), { strategy: make() }))).toBe(name);
    expect(defineStack({ strategy: make() }).strategy.name).toBe(name);
    const wrong = name === "hyperheap" ? { strategy: tlsf.tlsf() } : {};
    expect(thrownBy(() => attachHeap(heap.descriptor(), wrong))).toSatisfy((error) =>
      isHeapError(error, "ERR_INCOMPATIBLE_HEAP"),
    );
  });
});

describe("wrong options", () => {
  /** What no compiler lets through. */
  type Loose = (...args: unknown[]) => unknown;
  const heap = core.createHeap({ memory: 1 << 20, strategy: hyperheap.hyperheap() });
  const bytes = heap.snapshot();
  const calls: [string, Name, unknown[]][] = [
    ["no options", "createHeap", [undefined]],
    ["null", "createHeap", [null]],
    ["a number", "createHeap", [7]],
    ["an unknown option", "createHeap", [{ memory: 65536, strategi: 1 }]],
    ["no memory", "createHeap", [{}]],
    ["a strategy that is none", "createHeap", [{ memory: 65536, strategy: 5 }]],
    ["a strategy null", "createHeap", [{ memory: 65536, strategy: null }]],
    ["attachHeap: null", "attachHeap", [heap.descriptor(), null]],
    ["attachHeap: an unknown option", "attachHeap", [heap.descriptor(), { memory: 1 }]],
    ["attachHeap: no descriptor", "attachHeap", [undefined, {}]],
    ["restoreHeap: null", "restoreHeap", [bytes, null]],
    ["restoreHeap: an unknown option", "restoreHeap", [bytes, { size: 1 }]],
    ["defineStack: null", "defineStack", [null]],
    ["defineStack: an unknown option", "defineStack", [{ memory: 1 }]],
  ];

  it.each(calls)("are refused as core refuses them: %s", (_, name, args) => {
    // Core is told of a strategy where the front door adds one.
    const withStrategy = args.map((arg) =>
      arg !== null &&
      typeof arg === "object" &&
      Object.getPrototypeOf(arg) === Object.prototype &&
      !("heapwright" in arg)
        ? { strategy: hyperheap.hyperheap(), ...arg }
        : arg,
    );
    const our = thrownBy(() => (ours[name] as unknown as Loose)(...args)) as core.HeapError;
    const their = thrownBy(() => (theirs[name] as unknown as Loose)(...withStrategy)) as core.HeapError;
    expect(isHeapError(our)).toBe(true);
    expect([our.code, our.message]).toEqual([their.code, their.message]);
  });
});
