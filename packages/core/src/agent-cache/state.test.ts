/** Where the words of the front are, and how many: the diagrams of state.ts, the sizes of all parts, the classes and the division by them. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createMemory } from "../index.js";
import type { Context, Inner } from "../types.js";
import { Cache, roundSize } from "./cache.js";
import { liveCell } from "./cells.js";
import * as state from "./state.js";
import { payloadsOf, planState } from "./state.js";

const SPANS = [4096, 8192, 16_384, 32_768];
const HEADERS = [0, 16, 32, 48];
const MIB = 1 << 20;

const plan = (regionBytes: number, spanBytes = 0, shards = 16): state.Plan =>
  planState({ regionBytes, options: { agents: shards, spanBytes, spares: 4 }, shards });

/** Every box of the diagrams in the file's first comment that stands below a ruler: `"record: start"` by where it begins. */
function drawn(): ReadonlyMap<string, string> {
  const lines = readFileSync(new URL("./state.ts", import.meta.url), "utf8").split("\n");
  const boxes = new Map<string, string>();
  let part = "";
  for (const [index, line] of lines.entries()) {
    part =
      /^ \* A (shard|record) is|^ \* (Shared),/.exec(line)?.slice(1).find(Boolean)?.toLowerCase() ?? part;
    const ruler = lines[index - 1] ?? "";
    if (!/^ \* {5}\|/.test(line) || !/^ \* {5}0 /.test(ruler)) continue;
    for (const { index: at } of line.matchAll(/\|(?=\S)/g)) {
      const name = line
        .slice(at + 1)
        .split("|")[0]
        ?.trim() as string;
      boxes.set(`${part}: ${name}`, ruler.slice(at).split(/ {2,}/)[0] as string);
    }
  }
  return boxes;
}

describe("the diagrams", () => {
  it("have every word where the constants have it", () => {
    expect([...drawn()]).toEqual([
      ["shared: records", `${state.RECORDS_USED}`],
      ["shared: idle", `${state.IDLE}`],
      ["shared: runs", `${state.RUNS}`],
      ["shared: twice", `${state.TWICE}`],
      ["shared: resetting", `${state.RESETTING}`],
      ["shared: 0", `${state.RESETTING + 1} … ${state.ORPHANS - 1}`],
      ["shared: orphans of class 0", `${state.ORPHANS} …`],
      ["shared: of class 1", ""],
      ["shard: inbox", `${state.INBOX}`],
      ["shard: asking", `${state.ASKING}`],
      ["shard: span", `${state.SPAN}`],
      ["shard: spares", `${state.SPARES}`],
      ["shard: spare", `${state.SPARE}`],
      ["shard: 0", `${state.SPARE + 1} … ${state.LISTS - 1}`],
      ["shard: spans of class 0", `${state.LISTS} …`],
      ["shard: of class 1", ""],
      ["record: start", `${state.START}`],
      ["record: owner", `${state.OWNER}`],
      ["record: class", `${state.CLASS}`],
      ["record: used", `${state.CELLS_USED}`],
      ["record: next", `${state.NEXT}`],
      ["record: before", `${state.BEFORE}`],
      ["record: notes", `${state.NOTES}`],
      ["record: mail", `${state.MAIL}`],
      ["record: free: a bit a cell", `${state.BITS} … ${state.BITS} + W - 1`],
      ["record: freed by others: a bit a cell", `${state.BITS} + W … ${state.BITS} + 2 W - 1`],
    ]);
  });

  it("say how large the parts are", () => {
    const text = readFileSync(new URL("./state.ts", import.meta.url), "utf8");
    const has = (part: string): boolean => text.includes(part);
    expect(has(`|shared, ${state.SHARED_WORDS} words|`)).toBe(true);
    expect(has(`Price: ${state.SHARED_WORDS} words, ${state.SHARD_WORDS} words a shard`)).toBe(true);
    for (const spanBytes of SPANS) expect(plan(MIB, spanBytes).bitWords).toBe(spanBytes / 1024);
  });
});

describe("the plan", () => {
  it("costs at most 1.3 % of the region from 1 MiB on, and a shard its words", () => {
    for (let regionBytes = MIB; regionBytes <= 2 ** 32 - 4096; regionBytes = Math.ceil(regionBytes * 1.37)) {
      const { words, shards, records } = plan(regionBytes);
      const agents = records - shards;
      expect(agents).toBe(16 * state.SHARD_WORDS);
      expect(((words - agents - state.SHARED_WORDS) * 4) / regionBytes, `${regionBytes}`).toBeLessThan(0.013);
    }
  });

  it("has spans of four pages from 1 MiB on, of one below, and those that were asked for", () => {
    for (const [regionBytes, spanBytes] of [
      [MIB, 16_384],
      [MIB - 16, 4096],
    ] as const) {
      expect(plan(regionBytes).spanBytes).toBe(spanBytes);
      for (const asked of SPANS) expect(plan(regionBytes, asked).spanBytes).toBe(asked);
    }
  });

  it("begins every shard and every record on a line of 64 bytes, one after the other", () => {
    for (const regionBytes of [65_536, 300_000, MIB, 5 * MIB + 16]) {
      for (const spanBytes of SPANS) {
        for (const agents of [1, 3, 16, 1024]) {
          const found = plan(regionBytes, spanBytes, agents);
          for (const words of [state.SHARED_WORDS, state.SHARD_WORDS, found.recordWords])
            expect(words % 16).toBe(0);
          expect(found.shards).toBe(state.SHARED_WORDS);
          expect(found.records).toBe(found.shards + agents * state.SHARD_WORDS);
          expect(found.map).toBe(found.records + found.maxSpans * found.recordWords);
          expect(found.recordWords).toBeGreaterThanOrEqual(state.BITS + 2 * found.bitWords);
          // The area may begin in the middle of a page, and then end in one more.
          expect(found.words - found.map).toBeGreaterThanOrEqual(Math.ceil(regionBytes / 4096) + 1);
          expect(found.maxSpans * spanBytes).toBeGreaterThan(regionBytes - spanBytes);
        }
      }
    }
  });

  it("has a bit for each cell, and a list for each class", () => {
    for (const spanBytes of SPANS) {
      for (const header of HEADERS) {
        const payloads = payloadsOf(spanBytes, header);
        const cells = Math.floor(spanBytes / ((payloads[0] as number) + header));
        expect(cells).toBeLessThanOrEqual(32 * plan(MIB, spanBytes).bitWords);
        expect(state.LISTS + payloads.length).toBeLessThanOrEqual(state.SHARD_WORDS);
        expect(state.ORPHANS + payloads.length).toBeLessThanOrEqual(state.SHARED_WORDS);
      }
    }
  });
});

/** The tables of a front with such spans and headers, and one record, whose span begins with the second page. */
function tables(spanBytes: number, header: number): Cache {
  const memory = createMemory(65_536);
  const none = new Error("no cell");
  const ctx = {
    memory,
    region: { base: 0, areaStart: 4096, areaEnd: 65_536, areaMax: 65_536 },
    state: 64,
    layout: { sideWords: header / 16, headerBytes: header },
    options: { agents: 1, spanBytes, spares: 0 },
    shards: 1,
    shard: 0,
    front: { made: 0 },
    error: () => none,
    onRefresh() {},
  };
  const cache = new Cache({} as Inner, ctx as unknown as Context);
  memory.i32[cache.records + state.START] = 4096;
  return cache;
}

describe.each(SPANS.flatMap((spanBytes) => HEADERS.map((header) => [spanBytes, header] as const)))(
  "classes of spans of %i bytes with headers of %i",
  (spanBytes, header) => {
    const cache = tables(spanBytes, header);
    const payloads = [...cache.payloads];

    it("are four to a doubling, multiples of 16 as far as an eighth of a span", () => {
      for (const [index, payload] of payloads.entries()) {
        expect(payload % 16).toBe(0);
        expect(payload + header).toBeGreaterThanOrEqual(32);
        const next = payloads[index + 1];
        if (next === undefined) continue;
        expect(next).toBe(payload + Math.max(16, 2 ** Math.floor(Math.log2(payload)) / 4));
      }
      const most = payloads.at(-1) as number;
      expect(cache.most).toBe(most);
      expect((most + header) * 8).toBeLessThanOrEqual(spanBytes);
      const beyond = most + Math.max(16, 2 ** Math.floor(Math.log2(most)) / 4);
      expect((beyond + header) * 8).toBeGreaterThan(spanBytes);
      expect([...cache.cells]).toEqual(payloads.map((payload) => Math.floor(spanBytes / (payload + header))));
    });

    it("give every size the smallest that fits", () => {
      for (let size = 1; size <= cache.most; size++) {
        const smallest = payloads.find((payload) => payload >= size);
        if (roundSize(cache, size) !== smallest) expect([size, roundSize(cache, size)]).toBe(smallest);
      }
      expect(roundSize(cache, cache.most + 1)).toBe(cache.most + 1);
    });

    it("divide every offset in a span exactly", () => {
      const { memory } = cache.ctx;
      const wrong: string[] = [];
      for (const [sizeClass, stride] of cache.strides.entries()) {
        memory.i32[cache.records + state.CLASS] = sizeClass;
        for (let offset = 0; offset < spanBytes; offset += 16) {
          const isCell =
            offset % stride === header && Math.floor(offset / stride) < (cache.cells[sizeClass] as number);
          let cell = -1;
          try {
            cell = liveCell(cache, cache.records, 4096 + offset);
          } catch {}
          if (cell !== (isCell ? Math.floor(offset / stride) : -1))
            wrong.push(`${offset} / ${stride} is not ${cell}`);
          const quotient = Math.imul(offset >> 4, cache.reciprocals[sizeClass] as number) >>> 20;
          if (quotient !== Math.floor(offset / stride)) wrong.push(`${offset} / ${stride}`);
        }
      }
      expect(wrong).toEqual([]);
    });
  },
);
