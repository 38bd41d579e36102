import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { planStack, RESERVED_NAMES } from "./compose.js";
import { createHeap, type Plugin, type PluginInput, type Strategy } from "./index.js";

/** A layer that writes down when it is called. */
function noting(
  name: string,
  phase: Plugin["phase"],
  calls: string[],
  more: Partial<Plugin> = {},
): Plugin<string, undefined> {
  return {
    abi: 1,
    name,
    version: 1,
    phase,
    ...more,
    create(inner) {
      const { alloc } = inner;
      return {
        allocator: {
          alloc(size, align, tag) {
            calls.push(name);
            return alloc(size, align, tag);
          },
        },
        api: undefined,
      };
    },
  };
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const list = [...items];
  let state = seed;
  for (let index = list.length - 1; index > 0; index--) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const other = state % (index + 1);
    [list[index], list[other]] = [list[other] as T, list[index] as T];
  }
  return list;
}

const composition = expect.objectContaining({ code: "ERR_COMPOSITION", name: "CompositionError" });

describe("order", () => {
  it("follows phase, rank and name, whatever the user's order", () => {
    const calls: string[] = [];
    const layers = [
      noting("zeta", "trace", calls),
      noting("inject", "inject", calls),
      noting("limited", "limit", calls),
      noting("account", "account", calls),
      noting("a", "guard", calls),
      noting("c", "guard", calls),
      noting("b", "guard", calls, { rank: -1 }),
      noting("d", "guard", calls, { rank: 5 }),
    ];
    for (let seed = 1; seed <= 50; seed++) {
      calls.length = 0;
      const heap = createHeap({ memory: 8192, strategy: hyperheap(), plugins: shuffled(layers, seed) });
      heap.allocUnsafe(16);
      expect(calls).toEqual(["zeta", "inject", "limited", "account", "b", "a", "c", "d"]);
    }
  });

  it("flattens bundles and leaves out nothing, false, null and undefined", () => {
    const calls: string[] = [];
    const plugins: PluginInput[] = [
      false,
      [noting("one", "guard", calls), [null, noting("two", "trace", calls)]],
      undefined,
    ];
    expect(planStack(hyperheap(), plugins).plugins.map((plugin) => plugin.name)).toEqual(["two", "one"]);
  });

  it("puts a front above the lock, and only concurrent layers above it", () => {
    const calls: string[] = [];
    const front = noting("front", "front", calls);
    const lock = { enter: () => calls.push("enter"), tryEnter: () => true, leave: () => calls.push("leave") };
    const heap = createHeap({
      memory: 8192,
      strategy: hyperheap(),
      lock: lock as never,
      plugins: [front, noting("above", "account", calls, { concurrent: true })],
    });
    calls.length = 0;
    heap.allocUnsafe(16);
    expect(calls).toEqual(["above", "front", "enter", "leave"]);
    expect(() =>
      createHeap({
        memory: 8192,
        strategy: hyperheap(),
        plugins: [front, noting("exclusive", "account", calls)],
      }),
    ).toThrowError(expect.objectContaining({ message: expect.stringMatching(/exclusive.*front/) }));
  });
});

describe("what cannot be combined", () => {
  const calls: string[] = [];
  const make = (plugins: unknown, strategy: unknown = hyperheap()) =>
    createHeap({ memory: 8192, strategy: strategy as Strategy, plugins: plugins as PluginInput[] });

  it("two of one name", () => {
    expect(() => make([noting("x", "trace", calls), [noting("x", "guard", calls)]])).toThrowError(
      composition,
    );
    expect(() => make([noting("hyperheap", "trace", calls)])).toThrowError(/hyperheap.*strategy/);
  });

  it("a member of Heap", () => {
    for (const name of RESERVED_NAMES)
      expect(() => make([noting(name, "trace", calls)])).toThrowError(composition);
  });

  it("another ABI, no version, an unknown phase, a strategy as a plugin and the reverse", () => {
    expect(() => make([{ ...noting("x", "trace", calls), abi: 2 }])).toThrowError(/ABI 2.*ABI 1/);
    expect(() => make([], { ...hyperheap(), abi: undefined })).toThrowError(/ABI undefined/);
    expect(() => make([{ ...noting("x", "trace", calls), version: 1.5 }])).toThrowError(composition);
    expect(() => make([noting("x", "outer" as never, calls)])).toThrowError(/outer/);
    expect(() => make([hyperheap()])).toThrowError(composition);
    expect(() => make([], noting("x", "trace", calls))).toThrowError(composition);
  });

  it("options that text does not keep, slots that are none, a create that returns nothing", () => {
    const value = (option: unknown) => ({ ...noting("x", "trace", calls), options: { t: option } });
    for (const option of [Number.NaN, Number.POSITIVE_INFINITY, {}, null, () => 1]) {
      expect(() => make([value(option)])).toThrowError(composition);
    }
    make([value(1.5), { ...value("text"), name: "y" }, { ...value(false), name: "z" }]);
    expect(() => make([{ ...noting("x", "trace", calls), slots: "ab" }])).toThrowError(composition);
    expect(() => make([{ ...noting("x", "trace", calls), create: () => undefined }])).toThrowError(
      composition,
    );
  });

  it("what is no plugin at all", () => {
    const invalid = expect.objectContaining({ code: "ERR_INVALID_OPTION" });
    for (const wrong of [[hyperheap], [5], ["stats"], [{}], "stats", 5])
      expect(() => make(wrong)).toThrowError(invalid);
    expect(() => make([], null)).toThrowError(invalid);
  });

  it("a strategy for one agent on shared memory", () => {
    const strategy = { ...hyperheap(), capabilities: { ...hyperheap().capabilities, shared: false } };
    expect(() => createHeap({ memory: new SharedArrayBuffer(65536), strategy })).toThrowError(composition);
    expect(createHeap({ memory: 65536, strategy }).alloc(16)).toBeGreaterThan(0);
  });
});

describe("layers", () => {
  it("that change nothing are not there: the primitive is the inner one itself", () => {
    let seen: unknown;
    const outer: Plugin<"outer", undefined> = {
      abi: 1,
      name: "outer",
      version: 1,
      phase: "trace",
      create(inner) {
        seen = inner.free;
        return { api: undefined };
      },
    };
    let inside: unknown;
    const probe: Plugin<"probe", undefined> = {
      abi: 1,
      name: "probe",
      version: 1,
      phase: "guard",
      create(inner) {
        inside = inner.free;
        return { allocator: { owns: inner.owns }, api: undefined };
      },
    };
    createHeap({ memory: 8192, strategy: hyperheap(), plugins: [outer, noting("n", "account", []), probe] });
    expect(seen).toBe(inside);
  });

  it("without a realloc of their own see a moving realloc as alloc and free", () => {
    const calls: string[] = [];
    const heap = createHeap({
      memory: 65536,
      strategy: hyperheap(),
      plugins: [noting("n", "account", calls)],
    });
    const ptr = heap.alloc(100);
    heap.alloc(16);
    calls.length = 0;
    const moved = heap.realloc(ptr, 1000);
    expect(moved).not.toBe(ptr);
    expect(calls).toEqual(["n"]);
  });
});

it("RESERVED_NAMES has every member of a heap", () => {
  const heap = createHeap({ memory: 8192, strategy: hyperheap() });
  const members = [...Object.keys(heap), ...Object.getOwnPropertyNames(Object.getPrototypeOf(heap))];
  expect(members).toContain("freeBytes");
  for (const name of members) if (name !== "constructor") expect(RESERVED_NAMES, name).toContain(name);
});
