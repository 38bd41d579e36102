/** The adapters: what a heap or a bare allocator offers reaches the run, and what it lacks is left out. */
import type { Allocator, Heap } from "@heapwright/core";
import { describe, expect, test } from "vitest";
import { allocatorSubject } from "./allocator-subject.js";
import { heapSubject } from "./heap-subject.js";
import { ConformanceError } from "./promises.js";
import { runProgram } from "./run.js";
import { soak } from "./soak.js";
import { type Subject, toSubject } from "./subject.js";
import type { HeapFault as Fault } from "./toy/faults.js";
import { toy } from "./toy/heap.js";

/** The toy as the primitives of core: nothing is zeroed, no argument checked, growth is not theirs. */
function bare(fault?: Fault): Subject {
  const heap = toy(fault);
  const allocator: Allocator = {
    alloc: (size, align) => heap.allocUnsafe(size, align, 0),
    free: (ptr) => heap.free(ptr),
    resize: (ptr, size) => size <= heap.usableSize(ptr),
    usableSize: (ptr) => heap.usableSize(ptr),
    takenSize: (ptr) => heap.takenSize?.(ptr) ?? 0,
    goodSize: (size) => heap.goodSize?.(size) ?? 0,
    owns: (ptr) => heap.owns?.(ptr) ?? false,
    walk: (visit) => {
      for (const block of heap.blocks?.() ?? []) visit({ ...block, size: block.usable });
      visit({ ptr: 2 ** 30, size: 0, usable: 0, state: "reserved", tag: 0 });
    },
    check: (report) => {
      try {
        heap.check?.();
      } catch (error) {
        report({ message: String(error) });
      }
    },
    totals: (into) => {
      Object.assign(into, heap.totals?.());
    },
  };
  const { area, region } = heap.region();
  return allocatorSubject(allocator, { buffer: heap.buffer, area, region });
}

/** The toy as a composed heap, as far as `heapSubject` looks at one. */
function composed(fault?: Fault, capabilities: Partial<Heap["capabilities"]> = {}): Heap {
  const subject = toy(fault);
  const source = subject.buffer() as ArrayBuffer;
  const total = (key: "capacity" | "used" | "free" | "overhead" | "page"): number =>
    subject.totals?.()[key] ?? 0;
  const heap = {
    memory: { source },
    capabilities: {
      free: "any",
      detects: subject.detects,
      shared: false,
      grow: true,
      reset: false,
      marks: false,
      maxAlign: 4096,
      ...capabilities,
    },
    get region() {
      const { region, area } = subject.region();
      return { base: 0, bytes: region.end, areaStart: area.start, areaEnd: area.end };
    },
    get capacity() {
      return total("capacity");
    },
    get usedBytes() {
      return total("used");
    },
    get freeBytes() {
      return total("free");
    },
    quarantinedBytes: 0,
    get overheadBytes() {
      return total("overhead");
    },
    get pageBytes() {
      return total("page");
    },
    pageFreeBytes: 0,
    alloc: (size: number, align = 16, tag = 0) => subject.alloc(size, align, tag),
    allocUnsafe: (size: number, align = 16, tag = 0) => subject.allocUnsafe(size, align, tag),
    realloc: (ptr: number, size: number, align = 16, tag = 0) => subject.realloc?.(ptr, size, align, tag),
    reallocUnsafe: (ptr: number, size: number, align = 16, tag = 0) =>
      subject.reallocUnsafe?.(ptr, size, align, tag),
    dup: (bytes: Uint8Array, align = 16, tag = 0) => subject.dup?.(bytes, align, tag),
    free: subject.free,
    usableSize: subject.usableSize,
    takenSize: subject.takenSize,
    goodSize: subject.goodSize,
    owns: subject.owns,
    blocks: subject.blocks,
    check: subject.check,
    grow: subject.grow,
  };
  return heap as unknown as Heap;
}

function promiseOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return error instanceof ConformanceError ? error.promise : String(error);
  }
  return undefined;
}

describe("a bare allocator", () => {
  test("is driven through its primitives, resize included", () => {
    const report = soak(() => bare(), { operations: 5000, seed: 1 });
    expect(report.allocations).toBeGreaterThan(0);
    expect(report.reallocations).toBeGreaterThan(0);
    expect(report.moves + report.growths + report.foreignGrowths).toBe(0);
    expect(report.refused).toBeGreaterThan(0);
  });

  test("is held to its walk, its check and its totals", () => {
    expect(promiseOf(() => soak(() => bare("lists dead blocks"), { operations: 5000, seed: 1 }))).toBe(
      "listed",
    );
    expect(promiseOf(() => soak(() => bare("forgets a header"), { operations: 5000, seed: 1 }))).toBe(
      "consistent",
    );
    expect(promiseOf(() => soak(() => bare("counts headers twice"), { operations: 5000, seed: 1 }))).toBe(
      "counted",
    );
  });

  test("is not given arguments that a heap would have refused", () => {
    const report = runProgram(bare(), [
      { op: "badSize", call: "alloc", value: Number.NaN },
      { op: "badValue", call: "free", value: "16" },
      { op: "freeNull" },
      { op: "grow", bytes: 64 },
    ]);
    expect(report.skipped).toBe(4);
  });
});

describe("a heap", () => {
  test("is driven with growth by itself and by somebody else", () => {
    const report = runProgram(composed(), [
      { op: "grow", bytes: 100 },
      { op: "growForeign", bytes: 1 },
      { op: "grow", bytes: 100 },
      { op: "alloc", size: 2000 },
    ]);
    expect(report).toMatchObject({ growths: 1, foreignGrowths: 1, exhausted: 1, allocations: 1 });
  });

  test("passes a soak", () => {
    const report = soak(composed, { operations: 5000, seed: 1 });
    expect(report.reallocations).toBeGreaterThan(0);
    expect(report.compared).toBeGreaterThan(0);
  });

  test("grows by nobody else if that is said", () => {
    const make = () => heapSubject(composed(), { growForeign: false });
    expect(
      soak(make, { operations: 5000, seed: 1, profile: { weights: { growForeign: 50 } } }).foreignGrowths,
    ).toBe(0);
  });

  test("may change the bytes that are said to be volatile, and the lock's words", () => {
    const fault: Fault = "writes a header for a failed request";
    const exhaust = [{ op: "alloc", size: 2 ** 31 }] as const;
    expect(promiseOf(() => runProgram(composed(fault), exhaust))).toBe("unchanged");
    const volatile = [{ start: 140, end: 144 }];
    expect(promiseOf(() => runProgram(heapSubject(composed(fault), { volatile }), exhaust))).toBe(undefined);
  });

  test("without the capability to find a misuse is not misused that way", () => {
    const misuse = [
      { op: "alloc", as: "a", size: 64 },
      { op: "badPointer", call: "free", where: "interior", block: "a", offset: 0 },
    ] as const;
    const fault: Fault = "frees at interior pointers";
    expect(promiseOf(() => runProgram(composed(fault), misuse))).toBe("refusesPointer");
    expect(runProgram(composed(fault, { detects: ["double-free"] }), misuse).skipped).toBe(1);
  });

  test("that frees only the last block is asked to free only that", () => {
    const freed: number[] = [];
    const heap = composed(undefined, { free: "last" });
    const { free } = heap;
    heap.free = (ptr) => {
      freed.push(ptr as number);
      free(ptr);
    };
    const made: number[] = [];
    const { alloc } = heap;
    heap.alloc = (size, align) => {
      made.push(alloc(size, align));
      return made.at(-1) ?? 0;
    };
    const block = { op: "alloc", size: 16 } as const;
    runProgram(heap, [block, block, { op: "free", block: 0 }, block, { op: "free", block: 0 }], {
      reusable: false,
    });
    expect(freed).toEqual([made[1], made[2], made[0]]);
  });

  test("is told from a subject", () => {
    const subject = toy();
    expect(toSubject(subject)).toBe(subject);
    expect(toSubject(composed()).conformance).toBe(1);
  });
});
