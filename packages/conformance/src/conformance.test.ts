/** The battery as it is registered: what passes, what its table says, and that each kind of row can fail. */
import { attachHeap, createHeap, type Heap, type HeapErrorCode, restoreHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, test } from "vitest";
import { cells } from "../../../docs/examples/cells.js";
import { Battery, type BatteryOptions, runBattery } from "./battery.js";
import { conformance } from "./conformance.js";
import { heapSubject } from "./heap-subject.js";
import { ConformanceError } from "./promises.js";
import type { Subject } from "./subject.js";
import { isSize, refuse } from "./toy/common.js";
import { toy } from "./toy/heap.js";
import { stackToy } from "./toy/stack.js";

const OPTIONS = { seed: 1, operations: 4000, numRuns: 10, shrinkMs: 0 } as const;
const stack = { strategy: hyperheap() };
const make = () => createHeap({ memory: 65536, ...stack });

const tables: string[] = [];
const print = (table: string): void => {
  tables.push(table);
};

conformance("hyperheap", make, {
  ...OPTIONS,
  print,
  restore: (bytes) => restoreHeap(bytes, stack),
  attach: (descriptor) => attachHeap(descriptor, stack),
  makeShared: () => createHeap({ memory: new SharedArrayBuffer(65536), ...stack }),
});
conformance("a stack", () => stackToy(), { ...OPTIONS, print });
conformance("hyperheap that grows", () => createHeap({ memory: 65536, ...stack, growth: { max: 1 << 19 } }), {
  ...OPTIONS,
  print,
  maxBytes: 1 << 19,
});

/** A row's words, counts left out. */
function found(table: string | undefined, capability: string): string | undefined {
  const row = table?.split("\n").find((line) => line.startsWith(`  ${capability} `));
  return row?.trim().slice(capability.length).trim().replace(/\d+ /g, "").replace(/ +/g, " ").trim();
}

test("the table of each is printed once, and says what was held, what is lacking and what was not tried", () => {
  expect(tables.map((table) => table.split("\n", 1)[0])).toEqual([
    "hyperheap (seed 1)",
    "a stack (seed 1)",
    "hyperheap that grows (seed 1)",
  ]);
  const [first, second, third] = tables;
  expect(found(first, "free")).toBe("any held: freed");
  expect(found(first, "detects forged")).toBe("yes held: refused");
  expect(found(first, "grow")).toBe("no lacking: grow() is false");
  expect(found(first, "marks")).toBe("no lacking");
  expect(found(first, "shared")).toBe("yes held: operations on shared memory");
  expect(found(first, "snapshot and restore")).toBe("yes held: operations on the copy");
  expect(found(first, "attach")).toBe("yes held: operations, two agents at once");
  expect(found(second, "free")).toBe("last held: freed, refused");
  expect(found(second, "maxAlign")).toBe("held: blocks, refused");
  expect(found(second, "marks")).toBe("yes held: releases, refused");
  expect(found(second, "snapshot and restore")).toBe("yes not tried: no `restore` given");
  expect(found(second, "attach")).toBe("no lacking");
  expect(found(second, "shared")).toBe("unknown not tried: no `makeShared` given");
  expect(found(third, "grow")).toBe("yes held: growths");
  expect(found(third, "growth by others")).toBe("yes held: growths");
});

/** What the battery says of a subject. */
function finding(target: () => Subject | Heap, options: BatteryOptions = {}): string {
  try {
    runBattery(target, { ...OPTIONS, ...options });
  } catch (error) {
    if (error instanceof ConformanceError) return `[${error.promise}] ${error.detail}`;
    throw error;
  }
  return "";
}

describe("a heap of small blocks", () => {
  const found = (bytes: number, kind: string): string | undefined => {
    const rows = runBattery(() => createHeap({ memory: 16_384, strategy: cells({ bytes }) }), OPTIONS);
    return rows.find(({ capability }) => capability === `detects ${kind}`)?.found;
  };

  test.each([32, 48, 64, 80])(
    "is given forged headers as far as there is room for them: %i bytes",
    (bytes) => {
      expect(found(bytes, "forged")).toMatch(/^held: [1-9]\d* refused$/);
      expect(found(bytes, "interior")).toMatch(/^held: [1-9]\d* refused$/);
    },
  );

  test("is not blamed for addresses that it does not have", () => {
    expect(found(16, "forged")).toBe("not tried: no block has more than 16 bytes");
    expect(found(16, "interior")).toBe("not tried: no block has more than 16 bytes");
    expect(found(16, "unaligned")).toMatch(/^held: [1-9]\d* refused$/);
  });
});

describe("a claim is refuted", () => {
  const claims =
    (claimed: object, lacking: object = {}) =>
    (): Subject => {
      const subject = stackToy();
      const capabilities = {
        free: "last",
        detects: subject.detects,
        shared: false,
        grow: false,
        reset: true,
        marks: true,
        maxAlign: 256,
        ...claimed,
      } as const;
      return { ...subject, capabilities, ...lacking };
    };

  test("nothing is, where all of it is true", () => {
    expect(finding(claims({}))).toBe("");
  });

  const growsNever = (bytes: number): boolean => {
    if (!isSize(bytes)) throw refuse("ERR_INVALID_SIZE", bytes);
    return false;
  };

  test.each<[string, () => Subject, string]>([
    [
      "marks that are not there",
      claims({}, { mark: undefined, release: undefined }),
      "[capable] marks are claimed: say where they are with the option `marks` of the subject",
    ],
    ["marks nobody spoke of", claims({ marks: false }), "[capable] marks are there, but not claimed"],
    [
      "a reset that is not there",
      claims({}, { reset: undefined }),
      "[capable] reset is claimed, but not there",
    ],
    ["a reset nobody spoke of", claims({ reset: false }), "[capable] reset is there, but not claimed"],
    [
      "growth that never comes",
      claims({ grow: true }, { grow: growsNever }),
      "[capable] grow is claimed, but no run came to it: 0 growths. Give it more operations?",
    ],
    [
      "misuse that is not looked for",
      claims({}, { detects: ["double-free", "foreign", "interior", "unaligned"] }),
      "[capable] detects forged is claimed, but no run came to it: 0 refused. Give it more operations?",
    ],
    [
      "an alignment nobody gets",
      () => {
        const subject = toy();
        const alloc: Subject["alloc"] = (size, align, tag) =>
          align === 4096 ? 0 : subject.alloc(size, align, tag);
        return {
          ...subject,
          alloc,
          allocUnsafe: alloc,
          dup: undefined,
          realloc: undefined,
        } as unknown as Subject;
      },
      "[capable] maxAlign 4096 is claimed, but no run came to it: 0 blocks. Give it more operations?",
    ],
    [
      "frees of any block",
      claims({ free: "any" }, { frees: "any" }),
      "[accepts] the heap threw ERR_UNSUPPORTED: 656",
    ],
  ])("%s", (_, target, expected) => {
    expect(finding(target)).toBe(expected);
  });

  test("that shared memory is refused", () => {
    const alone = claims({});
    expect(finding(alone, { makeShared: alone })).toBe(
      "[capable] shared is not claimed, but a heap on shared memory could be made",
    );
    const refuses = (code: HeapErrorCode) => (): Subject => {
      throw refuse(code, "shared memory");
    };
    expect(finding(alone, { makeShared: refuses("ERR_COMPOSITION") })).toBe("");
    expect(finding(alone, { makeShared: refuses("ERR_HEAP_CORRUPT") })).toBe(
      "[capable] a heap on shared memory is refused with ERR_HEAP_CORRUPT: shared memory",
    );
  });

  test("that a heap on shared memory is for one agent", () => {
    const capabilities = { ...make().capabilities, shared: false };
    const heap = () => createHeap({ memory: new SharedArrayBuffer(65536), ...stack });
    expect(finding(() => ({ ...heapSubject(heap()), capabilities }))).toBe(
      "[capable] shared is not claimed, but the heap is on shared memory",
    );
  });
});

describe("a heap that frees nothing", () => {
  const frees = (ptr: number): void => {
    if (ptr !== 0) throw refuse("ERR_UNSUPPORTED", ptr);
  };
  const never = (lacking: object): Subject =>
    ({ ...stackToy(), frees: "none", free: frees, ...lacking }) as unknown as Subject;

  test("is emptied by its reset, or by a release", () => {
    for (const lacking of [{}, { reset: undefined }, { mark: undefined, release: undefined }]) {
      const rows = runBattery(() => never(lacking), OPTIONS);
      expect(rows.find(({ capability }) => capability === "free")).toMatchObject({
        claimed: "none",
        found: expect.stringMatching(/^lacking: \d+ refused$/),
      });
      expect(rows.find(({ capability }) => capability === "realloc")?.found).toMatch(/^not tried/);
    }
  });

  test("and never, where it has neither", () => {
    // Nothing is ever freed there that could be freed again.
    const detects = ["foreign", "interior", "unaligned", "forged"];
    const lost = () => never({ reset: undefined, mark: undefined, release: undefined, detects });
    expect(runBattery(lost, OPTIONS)[0]?.found).toMatch(/^lacking/);
  });

  test("must give its memory back all the same", () => {
    // Of the first block made, a reset leaves the bytes lost.
    const leaky = (): Subject => {
      const subject = never({ mark: undefined, release: undefined });
      return {
        ...subject,
        reset() {
          subject.reset?.();
          subject.allocUnsafe(16, 16, 0);
        },
      };
    };
    expect(finding(leaky)).toMatch(/^\[(listed|reusable)\]/);
  });
});

describe("a copy is refuted", () => {
  const bytesOf = (heap: Heap): Uint8Array => heap.snapshot();

  test("that is of another heap", () => {
    const other = bytesOf(make());
    expect(finding(make, { restore: () => restoreHeap(other, stack) })).toMatch(/^\[restored\] /);
  });

  test("that cannot be made", () => {
    expect(finding(make, { restore: () => restoreHeap(new Uint8Array(9), stack) })).toMatch(
      /^\[restored\] ERR_INCOMPATIBLE_HEAP/,
    );
    expect(finding(make, { attach: () => make() })).toMatch(/^\[attached\] /);
  });
});

test("a battery's parts say the same however often and in whatever order they run", () => {
  const battery = new Battery(make, OPTIONS);
  const parts = [...battery.parts].reverse();
  for (const { run } of parts) run();
  const { rows } = battery;
  for (const { run } of parts) run();
  expect(battery.rows).toEqual(rows);
  expect(battery.table("x")).toContain("x (seed 1)\n  capability");
});

test("what could not be tried because a run has failed says so", () => {
  const battery = new Battery(() => stackToy("wipes a block it does not free"), OPTIONS);
  const messages = battery.parts.map(({ title, run }) => {
    try {
      run();
    } catch (error) {
      return `${title}: ${String(error)}`;
    }
    return title;
  });
  expect(messages[0]).toMatch(/misuse.*\[unchanged\]/);
  expect(messages[3]).toMatch(
    /^free: as claimed.*\[capable\][\s\S]*changes nothing has failed, too: see there first/,
  );
  expect(found(battery.table("broken"), "free")).toBe("BROKEN: capable");
});

test("a heap that cannot be made is no broken promise", () => {
  expect(() => runBattery(() => createHeap({ memory: 64, ...stack }), OPTIONS)).toThrow(
    expect.objectContaining({ code: "ERR_INVALID_OPTION" }),
  );
});
