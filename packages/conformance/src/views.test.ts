import { expect, test } from "vitest";
import { fill, firstNonZero, firstWrong, patternBytes, Views } from "./views.js";

test("every byte of a pattern counts, at any length", () => {
  const buffer = new ArrayBuffer(256);
  const views = new Views(() => buffer);
  for (let bytes = 0; bytes < 40; bytes++) {
    views.u8.fill(0);
    fill(views, 32, bytes, 7);
    expect([...views.u8.subarray(32, 32 + bytes)]).toEqual([...patternBytes(bytes, 7)]);
    expect(firstNonZero(views, 0, 32)).toBe(-1);
    expect(firstNonZero(views, 32 + bytes, 256)).toBe(-1);
    expect(firstWrong(views, 32, 0, bytes, 7)).toBe(-1);
    for (let at = 0; at < bytes; at++) {
      views.u8[32 + at] ^= 0x10;
      expect(firstWrong(views, 32, 0, bytes, 7)).toBe(at);
      expect(firstWrong(views, 32, (at + 4) & ~3, bytes, 7)).toBe(-1);
      views.u8[32 + at] ^= 0x10;
    }
  }
});

test("another seed is another content, and none is zero", () => {
  const buffer = new ArrayBuffer(1024);
  const views = new Views(() => buffer);
  fill(views, 0, 1024, 1);
  expect(firstWrong(views, 0, 0, 1024, 2)).toBe(0);
  expect(views.i32.includes(0)).toBe(false);
});

test("a byte that is not zero is found wherever it is", () => {
  const buffer = new ArrayBuffer(64);
  const views = new Views(() => buffer);
  for (let at = 0; at < 64; at++) {
    views.u8[at] = 1;
    for (let from = 0; from < 64; from += 3) expect(firstNonZero(views, from, 64)).toBe(from <= at ? at : -1);
    views.u8[at] = 0;
  }
});

test("views follow a buffer that grows and one that is replaced", () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 3 });
  const views = new Views(() => memory.buffer);
  memory.grow(1);
  expect(views.u8.length).toBe(0);
  views.refresh();
  expect(views.u8.length).toBe(131072);
  expect(views.i32.length).toBe(32768);
});
