import { expect, it } from "vitest";
import { shownAndPrinted } from "../../scripts/lib/example.js";

/** Times, sizes and what the garbage collector did vary from run to run. */
const mask = (text: string): string => text.replace(/[\d.]+ (ms|MiB|pauses)\b/g, "… $1");

it("prints what its README says", () => {
  const { shown, printed } = shownAndPrinted(import.meta.url, mask);
  expect(printed).toBe(shown);
  expect(printed).toMatch(/ [1-9]\d* hits, 0 wrong/);
});

it("the cache forgets what was used least recently", async () => {
  const { BinaryCache } = await import(new URL("cache.mjs", import.meta.url).href);
  const cache = new BinaryCache(65536);
  const value = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte);
  expect(cache.set("a", value(1, 10_000))).toBe(true);
  for (const key of ["b", "c", "d", "e"]) cache.set(key, value(2, 10_000));
  expect(cache.get("a")).toEqual(value(1, 10_000)); // b is the oldest now
  expect(cache.set("f", value(3, 20_000))).toBe(true);
  expect([cache.get("b"), cache.evicted > 0]).toEqual([undefined, true]);
  expect([cache.get("a"), cache.get("f")]).toEqual([value(1, 10_000), value(3, 20_000)]);
  cache.set("a", value(9, 1));
  expect(cache.get("a")).toEqual(value(9, 1));
  expect([cache.delete("a"), cache.delete("a")]).toEqual([true, false]);
  cache.check();

  // What never fits takes all others with it.
  expect(cache.set("huge", value(0, 100_000))).toBe(false);
  expect([cache.size, cache.usedBytes]).toEqual([0, 0]);
});
