import { describe, expect, it } from "vitest";
import { layoutChunk, type OwnedSlot } from "./layout.js";

const FIELDS = ["next", "prev", "*", "heap"];
const slots = (count: number): OwnedSlot[] =>
  Array.from({ length: count }, (_, index) => ({ owner: "p", name: `s${index}` }));

describe("layoutChunk", () => {
  it("keeps the fields where the diagram has them", () => {
    for (const count of [0, 1, 2, 7]) {
      const layout = layoutChunk(FIELDS, slots(count));
      expect([layout.field("next"), layout.field("prev"), layout.field("heap")]).toEqual([0, 4, 12]);
    }
    expect(layoutChunk(FIELDS, slots(1)).slots.get("p.s0")).toEqual({ distance: 8, sideIndex: 0 });
  });

  it("has a header of 16 * ceil((4 + slots - 1) / 4) bytes", () => {
    expect(layoutChunk(FIELDS, []).headerBytes).toBe(16);
    for (let count = 1; count < 20; count++) {
      expect(layoutChunk(FIELDS, slots(count)).headerBytes).toBe(16 * Math.ceil((4 + count - 1) / 4));
      // The same for adjoining slots, which come in granules.
      const adjoining: OwnedSlot[] = [
        ...slots(count),
        { owner: "f", name: "before", words: 4, adjoins: true },
      ];
      expect(layoutChunk(FIELDS, adjoining).headerBytes).toBe(16 * Math.ceil((4 + count + 4 - 1) / 4));
    }
  });

  it("lets adjoining slots end at the payload, and gives every word one owner", () => {
    const requests: OwnedSlot[] = [
      { owner: "stats", name: "tag" },
      { owner: "fence", name: "before", words: 4, adjoins: true },
      { owner: "fence", name: "size" },
      { owner: "free", name: "who", words: 3 },
    ];
    const layout = layoutChunk(FIELDS, requests);
    expect(layout.headerBytes).toBe(48);
    expect(layout.slots.get("fence.before")).toEqual({ distance: 16, sideIndex: -1 });
    const taken = [0, 4, layout.field("heap")];
    for (const request of requests) {
      const { distance } = layout.slots.get(`${request.owner}.${request.name}`) as { distance: number };
      for (let word = 0; word < (request.words ?? 1); word++)
        taken.push(layout.headerBytes - distance + word * 4);
    }
    expect(new Set(taken).size).toBe(taken.length);
    expect(Math.max(...taken)).toBeLessThan(layout.headerBytes);
    expect(layout.sideWords).toBe(5);
    expect(layout.fingerprint).toBe(
      "next prev stats.tag heap fence.size free.who free.who+1 free.who+2 fence.before fence.before+1 fence.before+2 fence.before+3 | 48",
    );
  });

  it("keeps the words of a slot together wherever a single word can stand apart", () => {
    const wide: OwnedSlot = { owner: "p", name: "wide", words: 2 };
    const fingerprint = (requests: readonly OwnedSlot[]) => layoutChunk(FIELDS, requests).fingerprint;
    expect(fingerprint([wide, ...slots(1)])).toBe("next prev p.s0 heap p.wide p.wide+1 - - | 32");
    expect(fingerprint([{ owner: "p", name: "before", words: 1, adjoins: true }, wide])).toBe(
      "next prev p.wide heap p.wide+1 - - p.before | 32",
    );
  });

  it("needs no header where the strategy has none", () => {
    expect(layoutChunk([], [])).toMatchObject({ headerBytes: 0, sideWords: 0 });
  });

  it("refuses what it cannot place", () => {
    const twice = [...slots(1), ...slots(1)];
    for (const requests of [
      twice,
      [{ owner: "p", name: "s", words: 0 }],
      [{ owner: "p", name: "s", words: 1.5 }],
    ]) {
      expect(() => layoutChunk(FIELDS, requests)).toThrowError(
        expect.objectContaining({ code: "ERR_COMPOSITION" }),
      );
    }
    expect(() => layoutChunk(FIELDS, []).field("size")).toThrowError(
      expect.objectContaining({ code: "ERR_COMPOSITION" }),
    );
  });
});
