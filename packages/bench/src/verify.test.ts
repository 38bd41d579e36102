import { describe, expect, it } from "vitest";
import { prepare, replay, settle } from "./replay.js";
import { loadTarget, targetNames } from "./targets/index.js";
import { OutOfMemory, type Target } from "./targets/target.js";
import { randomTrace, traceOf } from "./test-traces.js";
import { CALLOC, FREE, MALLOC, MEMALIGN, REALLOC, type Trace } from "./trace.js";
import { TooSlow, verifyReplay, WrongAnswer } from "./verify.js";

// dlmalloc and as-tlsf take their wasm from dist: build first, as `pnpm test` does.
describe.each(targetNames)("%s", (name) => {
  it("answers a random trace rightly, again and again from an empty heap", async () => {
    const module = await loadTarget(name);
    const target = await module.create(16 << 20);
    for (const seed of [1, 2, 3]) {
      const trace = randomTrace(4000, Math.log2(module.maxAlign), seed);
      const program = prepare(trace, module.alignment);
      const slots = new Int32Array(program.slots);
      verifyReplay(program, target, slots, { alignment: module.alignment, limitMs: 60_000 });
      expect(slots.some((ptr) => ptr !== 0)).toBe(true);
      settle(target, slots);
      expect(slots.every((ptr) => ptr === 0)).toBe(true);
      replay(program, target, slots);
      settle(target, slots);
    }
  });
});

describe("wasm memories", () => {
  it.each(["dlmalloc", "as-tlsf"])("%s grows, and says so when it cannot", async (name) => {
    const module = await loadTarget(name);
    const target = await module.create(4 << 20);
    const rows = Array.from({ length: 40 }, (_, id) => [MALLOC, id, 1 << 20] as const);
    const program = prepare(traceOf(rows, 40), module.alignment);
    const slots = new Int32Array(40);
    verifyReplay(program, target, slots, { alignment: module.alignment, limitMs: 60_000 });
    expect(target.buffer().byteLength).toBeGreaterThan(40 << 20);

    const huge = prepare(traceOf([[MALLOC, 0, 1 << 30]], 1), module.alignment);
    let caught: unknown;
    try {
      replay(huge, target, new Int32Array(1));
    } catch (error) {
      caught = error;
    }
    expect(caught instanceof OutOfMemory || module.isExhaustion?.(caught)).toBe(true);
  });
});

/** A bump allocator with one fault, or none. */
function faulty(fault: Partial<Target> & { step?: number }): Target {
  const bytes = new Uint8Array(1 << 20).fill(0xaa);
  let top = 64;
  const malloc = (size: number): number => {
    const ptr = top;
    top += fault.step ?? (size + 15) & -16;
    return ptr;
  };
  return {
    malloc,
    calloc(size) {
      const ptr = malloc(size);
      bytes.fill(0, ptr, ptr + size);
      return ptr;
    },
    realloc(ptr, size) {
      const moved = malloc(size);
      bytes.copyWithin(moved, ptr, ptr + size);
      return moved;
    },
    memalign(align, size) {
      top = (top + align - 1) & -align;
      return malloc(size);
    },
    free() {},
    buffer: () => bytes.buffer,
    ...fault,
  };
}

describe("verify", () => {
  const verify = (target: Target, trace: Trace, limitMs = 60_000): number => {
    const program = prepare(trace, 16);
    return verifyReplay(program, target, new Int32Array(program.slots), { alignment: 16, limitMs });
  };
  const two = traceOf([
    [MALLOC, 0, 40],
    [MALLOC, 1, 40],
    [FREE, 0],
    [FREE, 1],
  ]);

  it("finds nothing in an allocator without faults", () => {
    const trace = traceOf([
      [MALLOC, 0, 1],
      [CALLOC, 1, 7],
      [MEMALIGN, 2, 9, 8],
      [REALLOC, 0, 100],
      [REALLOC, 1, 3],
      [FREE, 1],
      [MALLOC, 1, 0],
    ]);
    expect(verify(faulty({}), trace)).toBeGreaterThanOrEqual(0);
  });

  it("finds overlaps, misalignment and answers outside the memory", () => {
    expect(() => verify(faulty({ step: 32 }), two)).toThrow("overlaps a live block at operation 1");
    expect(() => verify(faulty({ step: 40 }), two)).toThrow("is not 16-aligned at operation 1");
    expect(() => verify(faulty({ memalign: () => 16 * 5 }), traceOf([[MEMALIGN, 0, 8, 6]]))).toThrow(
      "80 is not 64-aligned",
    );
    expect(() => verify(faulty({ malloc: () => (1 << 20) - 32 }), two)).toThrow("is outside the memory");
    expect(() => verify(faulty({ malloc: () => -16 }), two)).toThrow(WrongAnswer);
  });

  it("finds content that changed, realloc that lost it, calloc that is not zero", () => {
    const target = faulty({});
    const scribbling: Target = {
      ...target,
      malloc(size) {
        const ptr = target.malloc(size);
        new Uint8Array(target.buffer())[ptr - 16]++;
        return ptr;
      },
    };
    expect(() =>
      verify(
        scribbling,
        traceOf([
          [MALLOC, 0, 8],
          [MALLOC, 1, 8],
          [FREE, 0],
        ]),
      ),
    ).toThrow("has changed at operation 2");
    const forgetful = faulty({});
    expect(() =>
      verify(
        { ...forgetful, realloc: (_ptr, size) => forgetful.malloc(size) },
        traceOf([
          [MALLOC, 0, 8],
          [REALLOC, 0, 80],
        ]),
      ),
    ).toThrow(WrongAnswer);
    const lazy = faulty({});
    expect(() => verify({ ...lazy, calloc: lazy.malloc }, traceOf([[CALLOC, 0, 8]]))).toThrow("not zero");
  });

  it("tells exhaustion and slowness apart, and lets the allocator check itself", () => {
    expect(() => verify(faulty({ malloc: () => 0 }), two)).toThrow(OutOfMemory);
    expect(() => verify(faulty({}), two, -1)).toThrow(TooSlow);
    const broken = faulty({
      check() {
        throw new Error("a list is broken");
      },
    });
    expect(() => verify(broken, two)).toThrow("a list is broken");
  });
});
