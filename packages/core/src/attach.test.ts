/** attachHeap, snapshot and restoreHeap: who may join, and what is told to who may not. */
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import {
  atomicsLock,
  attachHeap,
  createHeap,
  defineStack,
  failAfter,
  failEvery,
  type Heap,
  limit,
  noLock,
  type Plugin,
  restoreHeap,
} from "./index.js";

const coded = (code: string) => expect.objectContaining({ code });

function slotted(
  name: string,
  slots: number,
  options?: { readonly fill: number },
): Plugin<string, undefined> {
  return {
    abi: 1,
    name,
    version: 1,
    phase: "account",
    slots: Array.from({ length: slots }, (_, index) => `s${index}`),
    defaults: { fill: 7 },
    ...(options && { options }),
    create: () => ({ api: undefined }),
  };
}

describe("attachHeap", () => {
  it("refuses a name that is no text, and a claim on more than there is", () => {
    const heap = createHeap({ memory: 16384, strategy: hyperheap() });
    const descriptor = heap.descriptor();
    for (const name of [undefined, 1, Object.create(null)])
      expect(() => attachHeap({ ...descriptor, name }, { strategy: hyperheap() })).toThrowError(
        expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringContaining("name") }),
      );
    for (const claimed of [16000, 16388, 2 ** 32 - 1]) {
      heap.memory.u32[11] = claimed;
      expect(() => attachHeap(descriptor, { strategy: hyperheap() })).toThrowError(
        expect.objectContaining({
          code: "ERR_INCOMPATIBLE_HEAP",
          message: expect.stringContaining("claims"),
        }),
      );
    }
    // A copy claims what it is given.
    restoreHeap(heap.snapshot(), { strategy: hyperheap() }).check();
  });

  it("refuses options of the heap that are of another type than any there can be", () => {
    const heap = createHeap({ memory: 16384, strategy: hyperheap(), plugins: [slotted("one", 1)] });
    const { u8 } = heap.memory;
    const at = new TextDecoder().decode(u8.subarray(0, 1000)).indexOf('"fill":7') + 7;
    expect(String.fromCharCode(u8[at] as number)).toBe("7");
    u8[at] = 0x7b;
    u8.copyWithin(at + 2, at + 1, 900);
    u8[at + 1] = 0x7d;
    heap.memory.u32[8]++;
    expect(() =>
      attachHeap(heap.descriptor(), { strategy: hyperheap(), plugins: [slotted("one", 1)] }),
    ).toThrowError(coded("ERR_INCOMPATIBLE_HEAP"));
    u8.set([0x22, 0x22], at);
    expect(() =>
      attachHeap(heap.descriptor(), { strategy: hyperheap(), plugins: [slotted("one", 1)] }),
    ).toThrowError(
      expect.objectContaining({
        code: "ERR_INCOMPATIBLE_HEAP",
        message: expect.stringContaining('option fill: the heap has "", which is no number'),
      }),
    );
  });

  it("looks again if another agent grew the heap while this one joined", () => {
    const memory = new SharedArrayBuffer(65536, { maxByteLength: 1 << 18 });
    const growth = { step: 4096 };
    const one = createHeap({ memory, growth, strategy: hyperheap() });
    let joins = 0;
    const slow = {
      ...hyperheap(),
      create(ctx: Parameters<ReturnType<typeof hyperheap>["create"]>[0]) {
        if (joins++ === 0) one.grow(100_000);
        return hyperheap().create(ctx);
      },
    };
    const two = attachHeap(one.descriptor(), { strategy: slow });
    expect(joins).toBe(2);
    expect(two.region.bytes).toBe(one.region.bytes);
    two.check();
  });

  it("joins in the same thread: both see every block", () => {
    const stack = defineStack({ strategy: hyperheap(), plugins: [limit({ bytes: 10_000 })] });
    const one = createHeap({ memory: new SharedArrayBuffer(1 << 16), name: "shared", ...stack });
    const ptr = one.alloc(100);
    const two = attachHeap(one.descriptor(), stack);
    expect([one.agent, two.agent]).toEqual([1, 2]);
    expect(two.name).toBe("shared");
    expect(two.limit.usedBytes).toBe(112);
    two.free(ptr);
    expect(() => one.free(ptr)).toThrowError(coded("ERR_DOUBLE_FREE"));
    expect(one.limit.usedBytes).toBe(0);
    expect(two.alloc(100)).toBe(ptr);
    one.check();
    two.check();
  });

  it.each(["none", "atomics"])("sees at once what another agent has grown (lock: %s)", (lock) => {
    const memory =
      lock === "none"
        ? new ArrayBuffer(65536, { maxByteLength: 1 << 18 })
        : new SharedArrayBuffer(65536, { maxByteLength: 1 << 18 });
    const one = createHeap({ memory, growth: {}, strategy: hyperheap() });
    const agents = Array.from({ length: 8 }, () => attachHeap(one.descriptor(), { strategy: hyperheap() }));
    expect(one.grow(65536)).toBe(true);
    const ptr = one.alloc(100_000);
    const far = ptr + 90_000;
    one.memory.u8[far] = 7;
    // Each of them has its first look at the heap since.
    const [a, b, c, d, e, f, g, h] = agents as [Heap, Heap, Heap, Heap, Heap, Heap, Heap, Heap];
    expect(a.region).toEqual(one.region);
    expect(b.owns(far)).toBe(true);
    expect([...c.read(far, 1)]).toEqual([7]);
    expect(d.toPtr(d.toOffset(far))).toBe(far);
    expect(e.usableSize(ptr)).toBe(one.usableSize(ptr));
    expect(f.capacity).toBe(one.capacity);
    expect(f.freeBytes).toBe(one.freeBytes);
    expect([...g.blocks()]).toEqual([...one.blocks()]);
    h.free(ptr);
    for (const heap of [one, ...agents]) heap.check();
  });

  it("takes options that are left out from the heap", () => {
    let seen: unknown;
    const probe = (options?: { readonly fill: number }): Plugin<"p", undefined> => ({
      ...slotted("p", 1, options),
      name: "p",
      create(_inner, ctx) {
        seen = ctx.options.fill;
        return { api: undefined };
      },
    });
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [probe({ fill: 9 })] });
    attachHeap(heap.descriptor(), { strategy: hyperheap(), plugins: [probe()] });
    expect(seen).toBe(9);
    createHeap({ memory: 65536, strategy: hyperheap(), plugins: [probe()] });
    expect(seen).toBe(7);
  });

  it("names the difference", () => {
    const heap = createHeap({
      memory: 65536,
      strategy: hyperheap(),
      plugins: [limit({ bytes: 1000 }), slotted("p", 1, { fill: 9 })],
    });
    const plugins = (...list: Plugin<string, unknown>[]) => ({ strategy: hyperheap(), plugins: list });
    const cases: readonly [object, RegExp][] = [
      [
        { strategy: { ...hyperheap(), name: "tlsf" }, plugins: [] },
        /strategy: the heap has "hyperheap", this stack "tlsf"/,
      ],
      [
        { strategy: { ...hyperheap(), version: 6 }, plugins: [] },
        /strategy "hyperheap": the heap has format version 5, this stack 6/,
      ],
      [plugins(limit({ bytes: 1000 })), /the heap has "p", this stack has not/],
      [
        plugins(limit({ bytes: 1000 }), slotted("p", 1), failEvery(5)),
        /this stack has "failEvery", the heap has not/,
      ],
      [
        plugins(limit({ bytes: 999 }), slotted("p", 1)),
        /plugin "limit", option bytes: the heap has 1000, this stack 999/,
      ],
      [
        plugins(limit({ bytes: 1000 }), slotted("p", 1, { fill: 8 })),
        /option fill: the heap has 9, this stack 8/,
      ],
      [
        plugins(limit({ bytes: 1000 }), { ...slotted("p", 1), version: 3 }),
        /plugin "p": the heap has format version 1, this stack 3/,
      ],
      [plugins(limit({ bytes: 1000 }), slotted("p", 6)), /chunk layout/],
    ];
    for (const [stack, message] of cases) {
      expect(() => attachHeap(heap.descriptor(), stack as never)).toThrowError(
        expect.objectContaining({ code: "ERR_INCOMPATIBLE_HEAP", message: expect.stringMatching(message) }),
      );
    }
    attachHeap(heap.descriptor(), plugins(slotted("p", 1), limit({ bytes: 1000 })));
  });

  it("takes the kind of lock from the heap, unless that is the user's own", () => {
    const locked = createHeap({ memory: 65536, strategy: hyperheap(), lock: atomicsLock() });
    const unlocked = createHeap({
      memory: new SharedArrayBuffer(65536),
      strategy: hyperheap(),
      lock: noLock,
    });
    for (const heap of [locked, unlocked]) {
      const ptr = heap.alloc(16);
      attachHeap(heap.descriptor(), { strategy: hyperheap() }).free(ptr);
    }
    const own = { enter: () => {}, tryEnter: () => true, leave: () => {} };
    const mine = createHeap({ memory: 65536, strategy: hyperheap(), lock: own });
    expect(() => attachHeap(mine.descriptor(), { strategy: hyperheap() })).toThrowError(/lock.*own/);
    attachHeap(mine.descriptor(), { strategy: hyperheap() }, { lock: own }).check();
  });

  it("refuses bytes that were copied to another base by hand", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap() });
    const memory = new ArrayBuffer(1 << 17);
    new Uint8Array(memory).set(heap.snapshot(), 4096);
    const descriptor = { ...heap.descriptor(), memory, base: 4096 };
    expect(() => attachHeap(descriptor, { strategy: hyperheap() })).toThrowError(
      expect.objectContaining({
        code: "ERR_INCOMPATIBLE_HEAP",
        hint: expect.stringContaining("restoreHeap"),
      }),
    );
  });

  it("compares locks", () => {
    const shared = createHeap({ memory: new SharedArrayBuffer(65536), strategy: hyperheap() });
    expect(() => attachHeap(shared.descriptor(), { strategy: hyperheap() }, { lock: noLock })).toThrowError(
      expect.objectContaining({
        code: "ERR_INCOMPATIBLE_HEAP",
        message: 'lock: the heap has "atomics", this agent "none"',
      }),
    );
    attachHeap(shared.descriptor(), { strategy: hyperheap() }, { lock: atomicsLock({ spin: 5 }) });
  });

  it("refuses bytes that are no heap", () => {
    const descriptor = createHeap({ memory: 65536, strategy: hyperheap() }).descriptor();
    const stack = { strategy: hyperheap() };
    expect(() => attachHeap(descriptor, null as never)).toThrowError(coded("ERR_INVALID_OPTION"));
    expect(() => attachHeap(descriptor, { ...stack, lock: noLock } as never)).toThrowError(
      /no option "lock"/,
    );
    for (const wrong of [null, {}, { ...descriptor, heapwright: 2 }, "x"]) {
      expect(() => attachHeap(wrong as never, stack)).toThrowError(coded("ERR_INVALID_OPTION"));
    }
    for (const base of [1, -64, 1.5, 1 << 20, Number.NaN]) {
      expect(() => attachHeap({ ...descriptor, base }, stack)).toThrowError(coded("ERR_INVALID_OPTION"));
    }
    expect(() => attachHeap({ ...descriptor, base: 64 }, stack)).toThrowError(coded("ERR_INCOMPATIBLE_HEAP"));
    expect(() => attachHeap({ ...descriptor, memory: new ArrayBuffer(64) }, stack)).toThrowError(
      coded("ERR_INCOMPATIBLE_HEAP"),
    );
  });

  it("survives a structured clone, as a copy where the memory is not shared", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap() });
    const ptr = heap.alloc(64);
    const copy = attachHeap(structuredClone(heap.descriptor()), { strategy: hyperheap() });
    copy.free(ptr);
    heap.free(ptr);
    heap.check();
    copy.check();
  });
});

/** Random blocks with content by their number; returns offsets. */
function populate(heap: Heap, pages: boolean): Map<number, number> {
  const live = new Map<number, number>();
  let state = 11;
  for (let step = 0; step < 400; step++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const align = pages && step % 20 === 0 ? 4096 : step % 7 === 0 ? 64 : 16;
    const ptr = heap.alloc(1 + ((state >>> 8) % 600), align);
    if (ptr === 0) continue;
    heap.memory.u8.fill(step, ptr, ptr + heap.usableSize(ptr));
    live.set(heap.toOffset(ptr), step);
    if (step % 3 === 0) {
      const [offset] = live.keys();
      heap.free(heap.toPtr(offset as number));
      live.delete(offset as number);
    }
  }
  return live;
}

function expectContent(heap: Heap, live: Map<number, number>): void {
  for (const [offset, step] of live) {
    const ptr = heap.toPtr(offset);
    expect(heap.read(ptr, heap.usableSize(ptr)).every((byte) => byte === (step & 0xff))).toBe(true);
  }
}

describe("snapshot and restoreHeap", () => {
  it("move a heap to another base, congruent modulo the largest alignment granted", () => {
    const heap = createHeap({
      memory: new ArrayBuffer(1 << 18),
      base: 4096 + 64,
      bytes: 1 << 17,
      strategy: hyperheap(),
    });
    const live = populate(heap, false);
    const image = heap.snapshot();
    expect(image.length).toBe(1 << 17);
    for (const base of [64, 128 + 64, 4096, 4096 + 64 * 7]) {
      const memory = new ArrayBuffer(1 << 18);
      const copy = restoreHeap(image, { strategy: hyperheap(), memory, base });
      copy.check();
      expect(copy.region.base).toBe(base);
      expectContent(copy, live);
      for (const offset of live.keys()) copy.free(copy.toPtr(offset));
      copy.check();
      expect([...copy.blocks()].filter((block) => block.state !== "free")).toEqual([]);
    }
    expectContent(heap, live);
    heap.check();
  });

  it("need base modulo 4096 once a page run exists, modulo 256 once that was granted", () => {
    for (const [align, modulus] of [
      [256, 256],
      [4096, 4096],
    ] as const) {
      const heap = createHeap({ memory: 1 << 17, strategy: hyperheap() });
      const live = populate(heap, align === 4096);
      heap.free(heap.alloc(100, align));
      const image = heap.snapshot();
      for (const base of [64, modulus / 2]) {
        expect(() => restoreHeap(image, { strategy: hyperheap(), memory: 1 << 18, base })).toThrowError(
          expect.objectContaining({
            code: "ERR_INCOMPATIBLE_HEAP",
            message: expect.stringContaining(`modulo ${modulus}`),
          }),
        );
      }
      const copy = restoreHeap(image, { strategy: hyperheap(), memory: 1 << 18, base: modulus * 3 });
      expectContent(copy, live);
      for (const block of copy.blocks()) if (block.state === "page") expect(block.ptr % 4096).toBe(0);
    }
  });

  it("choose memory and base by themselves", () => {
    const heap = createHeap({
      memory: new ArrayBuffer(1 << 18),
      base: 4096 + 192,
      bytes: 1 << 16,
      strategy: hyperheap(),
    });
    heap.alloc(100, 1024);
    const copy = restoreHeap(heap.snapshot(), { strategy: hyperheap() });
    expect(copy.region.base % 1024).toBe(192);
    copy.check();
  });

  it("copy from shared memory to plain and back, with a free lock and new agents", () => {
    const heap = createHeap({ memory: new SharedArrayBuffer(65536), strategy: hyperheap() });
    attachHeap(heap.descriptor(), { strategy: hyperheap() });
    const live = populate(heap, false);
    const plain = restoreHeap(heap.snapshot(), { strategy: hyperheap() });
    expect(plain.agent).toBe(1);
    const again = restoreHeap(plain.snapshot(), {
      strategy: hyperheap(),
      memory: new SharedArrayBuffer(65536),
    });
    expectContent(again, live);
    again.alloc(16);
    again.check();
  });

  it("take a Node Buffer, wherever it begins", () => {
    const heap = createHeap({ memory: 2048, strategy: hyperheap() });
    heap.alloc(100);
    const bytes = Buffer.concat([Buffer.from("four"), heap.snapshot()]).subarray(4);
    expect(restoreHeap(bytes, { strategy: hyperheap() }).usedBytes).toBe(112);
  });

  it("can grow afterwards, also a heap of odd size, with nothing taken for somebody else's", () => {
    const memory = new ArrayBuffer(70_000, { maxByteLength: 1 << 20 });
    const heap = createHeap({ memory, growth: {}, strategy: hyperheap() });
    const copy = restoreHeap(heap.snapshot(), {
      strategy: hyperheap(),
      growth: { max: 1 << 20, foreign: "leave" },
    });
    expect(copy.grow(1000)).toBe(true);
    copy.check();
    expect([...copy.blocks()]).toHaveLength(1);
  });

  it("need base modulo 4096 where growth made page runs", () => {
    const memory = new ArrayBuffer(65536, { maxByteLength: 1 << 20 });
    const heap = createHeap({ memory, growth: {}, strategy: hyperheap() });
    heap.alloc(heap.freeBytes);
    memory.resize(69632);
    expect(heap.grow(65536)).toBe(true);
    expect(heap.pageFreeBytes).toBeGreaterThan(0);
    expect(() => restoreHeap(heap.snapshot(), { strategy: hyperheap(), base: 64 })).toThrowError(
      /modulo 4096/,
    );
  });

  it("keep plugins' state and slots", () => {
    const make = () => [failAfter(50), limit({ bytes: 100_000 })] as const;
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [...make()] });
    for (let count = 0; count < 60; count++) heap.alloc(16);
    const copy = restoreHeap(heap.snapshot(), { strategy: hyperheap(), plugins: [...make()] });
    expect(copy.failAfter.requests).toBe(60);
    expect(copy.limit.usedBytes).toBe(50 * 16);
    expect(copy.alloc(16)).toBe(0);
  });

  it("refuse what is no snapshot, another stack's, cut off or broken", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap() });
    const ptr = heap.alloc(100);
    heap.alloc(100);
    const image = heap.snapshot();
    const stack = { strategy: hyperheap() };
    for (const wrong of [null, "x", new ArrayBuffer(65536), new Uint16Array(65536)]) {
      expect(() => restoreHeap(wrong as never, stack)).toThrowError(coded("ERR_INVALID_OPTION"));
    }
    for (const wrong of [
      new Uint8Array(0),
      new Uint8Array(100),
      new Uint8Array(65536),
      image.slice(0, 60000),
      image.slice(64),
    ]) {
      expect(() => restoreHeap(wrong, stack)).toThrowError(coded("ERR_INCOMPATIBLE_HEAP"));
    }
    expect(() => restoreHeap(image, { strategy: hyperheap(), plugins: [limit({ bytes: 5 })] })).toThrowError(
      coded("ERR_INCOMPATIBLE_HEAP"),
    );
    expect(() => restoreHeap(image, { ...stack, memory: 4096 })).toThrowError(coded("ERR_INVALID_OPTION"));
    const older = image.slice();
    older[4] = 0;
    expect(() => restoreHeap(older, stack)).toThrowError(/format version 0, this core reads 1/);
    const broken = image.slice();
    broken[heap.toOffset(ptr) - 16] ^= 0x40;
    const target = new ArrayBuffer(65536);
    expect(() => restoreHeap(broken, { ...stack, memory: target })).toThrowError(coded("ERR_HEAP_CORRUPT"));
    expect(new Uint8Array(target).every((byte) => byte === 0)).toBe(true);
    expect(() => restoreHeap(image, { ...stack, base: 1n as never })).toThrowError(
      coded("ERR_INVALID_OPTION"),
    );
    expect(image).toEqual(heap.snapshot());
  });
});
