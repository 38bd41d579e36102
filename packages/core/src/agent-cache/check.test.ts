/** Every word the front lives by is made wrong, and `check()` has to say so, and to come to an end. */
import { describe, expect, it } from "vitest";
import { at, page, type Scene, scene } from "../fixtures/front-scene.js";
import { findings } from "../fixtures/front-world.js";
import { type Cache, eachSpan, isFull } from "./cache.js";
import {
  BEFORE,
  BITS,
  CELLS_USED,
  CLASS,
  IDLE,
  INBOX,
  MAIL,
  NEXT,
  NOTES,
  OWNER,
  RECORDS_USED,
  RUNS,
  SHARD_WORDS,
  SPARE,
  SPARES,
  START,
  TWICE,
} from "./state.js";

describe("the scene", () => {
  it("has spans of every kind, and is sound", () => {
    const it = scene();
    const { cache, words } = it;
    expect(findings(it.heap)).toBe("");
    const ids = [...it.mine, it.full, it.noted, it.spare, ...it.orphans, it.idle];
    expect(new Set(ids).size).toBe(ids.length);
    expect(Math.min(...ids)).toBeGreaterThan(0);
    expect([it.full, it.noted].map((id) => isFull(cache, at(it, id)))).toEqual([true, true]);
    expect(words[at(it, it.noted) + NOTES]).toBe(1);
    expect(words[cache.shard + INBOX]).toBe(it.noted);
    expect(it.mine.map((id) => words[at(it, id) + OWNER])).toEqual([1, 1, 1]);
    expect(it.orphans.map((id) => words[at(it, id) + OWNER])).toEqual([0, 0]);
    expect([it.list, it.orphanList].map((list) => words[list] !== 0)).toEqual([true, true]);
  });
});

type Mistake = readonly [name: string, make: (it: Scene) => void, says: RegExp];

const MISTAKES: readonly Mistake[] = [
  [
    "more records than there are",
    ({ words, cache }) => (words[cache.shared + RECORDS_USED] = 65),
    /65 records are in use, of 64/,
  ],
  [
    "records without end",
    ({ words, cache }) => (words[cache.shared + RECORDS_USED] = 2 ** 30),
    /1073741824 records/,
  ],
  [
    "fewer than no records",
    ({ words, cache }) => (words[cache.shared + RECORDS_USED] = -1),
    /4294967295 records/,
  ],
  ["too few records", ({ words, cache }) => (words[cache.shared + RECORDS_USED] -= 1), /leads to record \d+/],
  [
    "cells that two agents freed",
    ({ words, cache }) => (words[cache.shared + TWICE] = 3),
    /3 blocks were freed by two agents/,
  ],
  [
    "spans that are counted as what they are not",
    ({ words, cache }) => (words[cache.shared + RUNS] -= 4096),
    /bytes of spans are counted as page runs, \d+ are in some/,
  ],
  ["a span between pages", (it) => (it.words[at(it, it.full) + START] += 16), /cannot be there/],
  ["a span behind the area", (it) => (it.words[at(it, it.full) + START] = 256 << 10), /cannot be there/],
  ["a span before the area", (it) => (it.words[at(it, it.full) + START] = 4096), /cannot be there/],
  ["a span beyond 2 GiB", (it) => (it.words[at(it, it.full) + START] = -4096), /cannot be there/],
  [
    "a span that is no block",
    (it) => {
      const free = it.heap.alloc(4096, 4096);
      it.heap.free(free);
      it.words[at(it, it.full) + START] = free - it.cache.base;
    },
    /no block of the strategy/,
  ],
  [
    "a span at another's",
    (it) => (it.words[at(it, it.full) + START] = it.words[at(it, it.spare) + START] as number),
    /is record \d+, its pages say \d+/,
  ],
  ["a page without its span", (it) => (it.words[page(it, it.full)] = 0), /its pages say 0/],
  ["a page with another's span", (it) => (it.words[page(it, it.full)] = it.spare), /its pages say \d+/],
  ["a page with a span that is none", (it) => (it.words[page(it, it.full)] = -5), /its pages say -5/],
  [
    "a page that has no span",
    (it) => (it.words[it.words.indexOf(0, it.cache.map)] = it.full),
    /leads to record \d+, which has no such page/,
  ],
  ["a span that is forgotten", (it) => (it.words[at(it, it.full) + START] = 0), /leads to record/],
  ["an owner that cannot be", (it) => (it.words[at(it, it.full) + OWNER] = 5), /is owned by 5/],
  ["a negative owner", (it) => (it.words[at(it, it.full) + OWNER] = -1), /is owned by -1/],
  [
    "another owner",
    (it) => (it.words[at(it, it.mine[0]) + OWNER] = 2),
    /record \d+ is in shard 0, class \d+, not in shard 1, class/,
  ],
  ["no owner", (it) => (it.words[at(it, it.mine[0]) + OWNER] = 0), /not in orphans of class/],
  ["a class that is none", (it) => (it.words[at(it, it.full) + CLASS] = 31), /has cells of class 31/],
  ["a negative class", (it) => (it.words[at(it, it.full) + CLASS] = -1), /has cells of class -1/],
  ["another class", (it) => (it.words[at(it, it.full) + CLASS] -= 1), /used cells|bits of cells/],
  [
    "a free cell too many",
    (it) => (it.words[at(it, it.full) + BITS] |= 1),
    /has 8 used cells, 7 by its bits/,
  ],
  [
    "a free cell too few",
    (it) => (it.words[at(it, it.mine[0]) + BITS] = 0),
    /has 7 used cells, 8 by its bits/,
  ],
  [
    "a wrong count",
    (it) => (it.words[at(it, it.mine[0]) + CELLS_USED] -= 1),
    /has 6 used cells, 7 by its bits/,
  ],
  [
    "a free cell beyond the last",
    (it) => {
      it.words[at(it, it.full) + BITS] |= 1 << 8;
      it.words[at(it, it.full) + CELLS_USED] -= 1;
    },
    /has bits of cells it has not/,
  ],
  [
    "a freed cell beyond the last",
    (it) => (it.words[at(it, it.full) + BITS + it.cache.bitWords] |= 1 << 8),
    /has bits of cells it has not/,
  ],
  [
    "a freed cell in words beyond the last",
    (it) => (it.words[at(it, it.full) + BITS + it.cache.bitWords + 3] = 1 << 31),
    /has bits of cells it has not/,
  ],
  [
    "a cell that is free and freed",
    (it) =>
      (it.words[at(it, it.mine[0]) + BITS + it.cache.bitWords] |= it.words[
        at(it, it.mine[0]) + BITS
      ] as number),
    /free and were freed/,
  ],
  [
    "a list in a circle",
    (it) => (it.words[at(it, it.mine[2]) + NEXT] = it.mine[0]),
    /leads to record \d+, which is in shard 0, class/,
  ],
  ["a list that leads nowhere", (it) => (it.words[it.list] = 1000), /leads to record 1000/],
  ["a list that leads below", (it) => (it.words[it.list] = -7), /leads to record -7/],
  [
    "a list that ends early",
    (it) => (it.words[at(it, it.words[it.list] as number) + NEXT] = 0),
    /is in no list, not in shard 0/,
  ],
  [
    "a link that does not lead back",
    (it) => (it.words[at(it, it.mine[2]) + BEFORE] += 1),
    /does not lead back from record/,
  ],
  [
    "a full span in a list",
    (it) => {
      it.words[at(it, it.full) + NEXT] = it.words[it.list] as number;
      it.words[at(it, it.full) + BEFORE] = 0;
      it.words[at(it, it.words[it.list] as number) + BEFORE] = it.full;
      it.words[it.list] = it.full;
    },
    /is in shard 0, class \d+, not in no list/,
  ],
  [
    "a list of another class",
    (it) => {
      it.words[it.list - 1] = it.words[it.list] as number;
      it.words[it.list] = 0;
    },
    /is in shard 0, class \d+, not in shard 0, class/,
  ],
  [
    "a list of another agent",
    (it) => {
      it.words[it.list + SHARD_WORDS] = it.words[it.list] as number;
      it.words[it.list] = 0;
    },
    /is in shard 1, class \d+, not in shard 0, class/,
  ],
  ["orphans that nobody finds", (it) => (it.words[it.orphanList] = 0), /is in no list, not in orphans/],
  [
    "orphans in an agent's list",
    (it) => {
      it.words[it.list - 1] = it.words[it.orphanList] as number;
      it.words[it.orphanList] = 0;
    },
    /is in shard 0, class \d+, not in orphans/,
  ],
  [
    "too many spares",
    ({ words, cache }) => (words[cache.shard + SPARES] += 1),
    /shard 0 has 1 spares, not 2/,
  ],
  [
    "spares that are forgotten",
    ({ words, cache }) => (words[cache.shard + SPARE] = 0),
    /shard 0 has 0 spares, not 1/,
  ],
  [
    "a spare with cells in use",
    (it) => {
      it.words[at(it, it.spare) + BITS] ^= 1;
      it.words[at(it, it.spare) + CELLS_USED] = 1;
    },
    /is in shard 0, spares, not in shard 0, class/,
  ],
  [
    "a record in use among those that are not",
    (it) => (it.words[at(it, it.idle) + NEXT] = it.full),
    /is in idle, not in no list/,
  ],
  [
    "a record that nobody finds",
    ({ words, cache }) => (words[cache.shared + IDLE] = 0),
    /is in no list, not in idle/,
  ],
  [
    "an inbox that leads nowhere",
    ({ words, cache }) => (words[cache.shard + INBOX] = 65),
    /inbox leads to record 65/,
  ],
  ["an inbox in a circle", (it) => (it.words[at(it, it.noted) + MAIL] = it.noted), /inbox leads to record/],
  [
    "a span in two inboxes",
    (it) => (it.words[it.cache.shard + SHARD_WORDS + INBOX] = it.noted),
    /inbox leads to record/,
  ],
  [
    "a note that nobody finds",
    ({ words, cache }) => (words[cache.shard + INBOX] = 0),
    /record \d+ has a note, and is in no inbox/,
  ],
  [
    "a span in an inbox without a note",
    (it) => (it.words[at(it, it.noted) + NOTES] = 0),
    /record \d+ is in an inbox, and has no note/,
  ],
];

describe("check()", () => {
  it.each(MISTAKES)("finds %s", (_, make, says) => {
    const it = scene();
    make(it);
    const began = performance.now();
    expect(findings(it.heap)).toMatch(says);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it("finds whatever is done to a word that is followed", () => {
    const it = scene();
    const { cache, heap, words } = it;
    const followed: number[] = [RECORDS_USED, IDLE, TWICE].map((word) => cache.shared + word);
    followed.push(...[INBOX, SPARES, SPARE].map((word) => cache.shard + word), it.list, it.orphanList);
    eachSpan(cache, (record) => {
      for (const word of [START, CLASS, CELLS_USED]) followed.push(record + word);
    });
    // Whose a full span is, which of the cells are free: nothing else says so.
    for (const id of [...it.mine, ...it.orphans])
      for (const word of [NEXT, BEFORE, OWNER]) followed.push(at(it, id) + word);
    const pages = (heap.region.areaEnd >>> 12) - cache.firstPage;
    for (let index = 0; index < pages; index++) followed.push(cache.map + index);
    const unseen: string[] = [];
    for (const word of followed) {
      const was = words[word] as number;
      for (const wrong of [was ^ 1, was + 2, was ^ 0x100, was ^ (1 << 30), ~was, 0x7fffffff, -(2 ** 31)]) {
        if (wrong === was) continue;
        words[word] = wrong;
        if (findings(heap) === "") unseen.push(`${nameOf(cache, word)} ${was} → ${wrong}`);
      }
      words[word] = was;
    }
    expect(unseen).toEqual([]);
    expect(findings(heap)).toBe("");
  });
});

function nameOf(cache: Cache, word: number): string {
  if (word >= cache.map) return `page ${word - cache.map}`;
  if (word < cache.records) return `word ${word - cache.shared}`;
  const from = word - cache.records;
  return `record ${1 + Math.floor(from / cache.recordWords)}, word ${from % cache.recordWords}`;
}
