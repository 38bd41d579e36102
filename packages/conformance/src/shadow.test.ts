import { describe, expect, test } from "vitest";
import { ConformanceError, type PromiseName } from "./promises.js";
import { Random } from "./random.js";
import { type LiveBlock, Shadow } from "./shadow.js";

const AREA = { start: 0x100, end: 0x10_0000 };

function block(ptr: number, usable = 16, align = 16): LiveBlock {
  return { id: ptr, ptr, size: usable, usable, align, seed: 0, tag: 0, made: 0, place: -1 };
}

function brokenBy(work: () => void): PromiseName | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof ConformanceError) return error.promise;
    throw error;
  }
  return undefined;
}

describe("insert refuses", () => {
  const shadow = new Shadow();
  shadow.insert(block(0x400, 64), AREA);

  test.each<[string, LiveBlock, PromiseName]>([
    ["null", block(0), "pointer"],
    ["what is no number of bytes", block(Number.NaN), "pointer"],
    ["fractions", block(1024.5), "pointer"],
    ["addresses beyond 32 bits", block(2 ** 32), "pointer"],
    ["blocks that are not 16-aligned", block(0x408), "aligned"],
    ["blocks that lack the alignment asked for", block(0x450, 16, 64), "aligned"],
    ["less than was asked for", { ...block(0x200), size: 17 }, "sized"],
    ["sizes that are no number of bytes", { ...block(0x200), usable: Number.NaN }, "sized"],
    ["what begins before the area", block(0xf0), "inside"],
    ["what ends after the area", block(0xf_fff0, 32), "inside"],
    ["the same address", block(0x400), "disjoint"],
    ["an overlap from below", block(0x3f0, 32), "disjoint"],
    ["an overlap from above", block(0x430, 16), "disjoint"],
    ["a block that contains another", block(0x300, 0x1000), "disjoint"],
    ["an empty block inside another", { ...block(0x410, 0) }, "disjoint"],
  ])("%s", (_, bad, promise) => {
    expect(brokenBy(() => shadow.insert(bad, AREA))).toBe(promise);
    expect(shadow.count).toBe(1);
  });

  test("nothing that touches on both sides", () => {
    shadow.insert(block(0x3f0, 16), AREA);
    shadow.insert(block(0x440, 16), AREA);
    expect([...shadow].map(({ ptr }) => ptr)).toEqual([0x3f0, 0x400, 0x440]);
  });
});

test("finds what a sorted list finds, over many buckets", () => {
  const random = new Random(5);
  const shadow = new Shadow();
  const model = new Map<number, LiveBlock>();
  for (let i = 0; i < 20_000; i++) {
    const ptr = AREA.start + random.below(4000) * 32;
    const old = model.get(ptr);
    if (old !== undefined && random.below(3) > 0) {
      model.delete(ptr);
      shadow.remove(old);
    } else if (old === undefined) {
      const fresh = block(ptr, 16 + 16 * random.below(2));
      model.set(ptr, fresh);
      shadow.insert(fresh, AREA);
    }
    if (i % 500 !== 0) continue;
    const sorted = [...model.values()].sort((a, b) => a.ptr - b.ptr);
    expect([...shadow]).toEqual(sorted);
    const address = AREA.start + random.below(128_000);
    expect(shadow.below(address)).toBe(sorted.findLast((b) => b.ptr <= address));
    expect(shadow.above(address)).toBe(sorted.find((b) => b.ptr >= address));
    expect(shadow.covering(address)).toBe(sorted.find((b) => b.ptr <= address && address < b.ptr + b.usable));
    expect(shadow.at(ptr)).toBe(model.get(ptr));
    expect(shadow.count).toBe(sorted.length);
    expect(shadow.count === 0 ? undefined : shadow.pick(random.next())?.place).not.toBe(-1);
  }
  expect(shadow.count).toBeGreaterThan(1000);
});

test("a block keeps its identity and its place when it moves", () => {
  const shadow = new Shadow();
  const [first, second] = [block(0x200), block(0x300)];
  shadow.insert(first, AREA);
  shadow.insert(second, AREA);
  shadow.move(first, 0x400, 32, 48, AREA);
  expect([...shadow]).toEqual([second, first]);
  expect(shadow.pick(0)).toBe(first);
  expect(first).toMatchObject({ ptr: 0x400, size: 32, usable: 48 });
  // In place: its own old bytes are no overlap.
  shadow.move(first, 0x400, 80, 80, AREA);
  shadow.clear();
  expect(shadow.count).toBe(0);
  expect([first.place, second.place]).toEqual([-1, -1]);
});

test("knows which block was made or moved last, and which since, over many that end and move", () => {
  const random = new Random(6);
  const shadow = new Shadow();
  let model: LiveBlock[] = [];
  const free = Array.from({ length: 300 }, (_, i) => AREA.start + i * 32);
  for (let i = 0; i < 20_000; i++) {
    const what = random.below(10);
    if (what < 4 && free.length > 0) {
      const fresh = block(free.pop() as number);
      shadow.insert(fresh, AREA);
      model.push(fresh);
    } else if (model.length > 0) {
      const picked = what === 4 ? (model.at(-1) as LiveBlock) : random.pick(model);
      model = model.filter((other) => other !== picked);
      if (what < 7) {
        shadow.remove(picked);
        free.unshift(picked.ptr);
      } else {
        shadow.renew(picked);
        model.push(picked);
      }
    }
    if (i % 5000 === 4999) {
      // To the first one, as runs end.
      for (let end = model.pop(); end !== undefined; end = model.pop()) {
        expect(shadow.last()).toBe(end);
        shadow.remove(end);
        free.unshift(end.ptr);
      }
      expect(shadow.last()).toBeUndefined();
    }
    if (i % 100 !== 0 || model.length === 0) continue;
    expect(shadow.last()).toBe(model.at(-1));
    const from = random.below(model.length);
    const since = shadow.since(model[from].made).sort((a, b) => a.made - b.made);
    expect(since).toEqual(model.slice(from + 1));
    expect(shadow.serial).toBeGreaterThanOrEqual(shadow.last()?.made ?? 0);
  }
});
