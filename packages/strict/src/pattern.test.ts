/** The words of fences and poison, against bytes. */
import { describe, expect, it } from "vitest";
import { fenceByte, fillFence, fillPoison, firstUnpoisoned, isFence, poisonDouble } from "./pattern.js";

const memory = (bytes: number) => {
  const u8 = new Uint8Array(bytes);
  return { u8, i32: new Int32Array(u8.buffer), f64: new Float64Array(u8.buffer) };
};

describe("a fence", () => {
  it("has 64 different bytes, none of them zero or ASCII", () => {
    const bytes = Array.from({ length: 64 }, (_, at) => fenceByte(at));
    expect(new Set(bytes).size).toBe(64);
    expect(bytes.every((byte) => byte >= 0x80 && byte <= 0xff)).toBe(true);
    expect(fenceByte(2 ** 32 - 64)).toBe(fenceByte(0));
  });

  it("is filled from any byte to any other, and no further", () => {
    for (let from = 0; from < 9; from++) {
      for (let to = from; to < 90; to++) {
        const { u8, i32 } = memory(96);
        fillFence(i32, from, to);
        const wrong = u8.findIndex((byte, at) => byte !== (at >= from && at < to ? fenceByte(at) : 0));
        if (wrong >= 0) expect.unreachable(`[${from}, ${to}): byte ${wrong}`);
        if (!isFence(i32, from, to)) expect.unreachable(`[${from}, ${to}) is none`);
      }
    }
  });

  it("is none with any bit of any byte changed, and whatever is beside it", () => {
    for (const [from, to] of [
      [0, 1],
      [1, 3],
      [3, 4],
      [2, 7],
      [5, 64],
      [8, 24],
      [13, 77],
    ] as const) {
      const { u8, i32 } = memory(96);
      u8.fill(0x77);
      fillFence(i32, from, to);
      for (let at = 0; at < 96; at++) {
        for (let bit = 0; bit < 8; bit++) {
          u8[at] ^= 1 << bit;
          expect(isFence(i32, from, to)).toBe(at < from || at >= to);
          u8[at] ^= 1 << bit;
        }
      }
    }
  });
});

describe("poison", () => {
  it.each([0, 1, 0x7f, 0x80, 0xcb, 0xf0, 0xff])(
    "of %i is filled, and its first other byte is found",
    (value) => {
      const double = poisonDouble(value);
      for (const bytes of [1, 3, 8, 16, 40, 159, 160, 161, 400]) {
        const { u8, i32, f64 } = memory(432);
        u8.fill(value ^ 1);
        fillPoison(u8, i32, 16, 16 + bytes, value);
        expect([u8[15], u8[16 + bytes]]).toEqual([value ^ 1, value ^ 1]);
        expect(firstUnpoisoned(u8, f64, 16, 16 + bytes, value, double)).toBe(-1);
        for (let at = 16; at < 16 + bytes; at++) {
          u8[at] ^= 0x80;
          expect(firstUnpoisoned(u8, f64, 16, 16 + bytes, value, double)).toBe(at);
          u8[at] ^= 0x80;
        }
      }
    },
  );
});
