/** The ring, step by step: an agent dies before each of its atomic steps. */
import { describe, expect, it } from "vitest";
import {
  CHANNEL,
  claimAt,
  claimant,
  FREE,
  FULL,
  freeAt,
  fullAt,
  kindOf,
  lapsAhead,
  MAX_AGENT,
  POSITIONS,
  RECEIVING,
  SENDING,
  SLOT,
} from "./channel-words.js";
import { dies, drain, rings, type World, works, world } from "./fixtures/channel-world.js";

describe("a state", () => {
  it("says kind, agent and lap in 32 bits", () => {
    for (const position of [0, 1, 63, 64, POSITIONS]) {
      expect([freeAt(position), fullAt(position)].map(kindOf)).toEqual([FREE, FULL]);
      expect(claimant(freeAt(position)) + claimant(fullAt(position))).toBe(0);
      for (const kind of [SENDING, RECEIVING]) {
        for (const agent of [1, MAX_AGENT]) {
          const state = claimAt(kind, position, 6, agent);
          expect([state | 0, kindOf(state), claimant(state)]).toEqual([state, kind, agent]);
          for (let laps = -7; laps <= 7; laps++) {
            const seen = (position - laps * 64) & POSITIONS;
            for (const one of [state, freeAt(position), fullAt(position)])
              expect(lapsAhead(one, seen, 6)).toBe(laps);
          }
        }
      }
    }
  });
});

describe.each(rings)("$slots slots from position $start, $filled in it", ({ slots, start, filled }) => {
  const before = Array.from({ length: filled }, (_, index) => index + 1);

  it("a sender that dies at any step blocks nobody", () => {
    const ends = new Set<string>();
    for (let step = 0; ; step++) {
      const it = world(slots, start, filled);
      const died = dies(step, () => void it.theirs.trySend(it.ptr, 64, 99));
      const { sending, receiving } = it.mine.recover(it.dead.agent);
      expect(receiving).toEqual([]);
      for (const message of sending) {
        expect(message).toEqual({ ptr: it.ptr, length: 64, tag: 99, from: it.dead.agent });
      }
      expect(it.mine.recover(it.dead.agent)).toEqual({ sending: [], receiving: [] });
      const rest = drain(it.mine);
      expect(rest.slice(0, filled)).toEqual(before);
      // Sent, returned, or the dead one's: never two of them.
      const sent = rest.slice(filled);
      expect(sent.length === 0 || (sent.length === 1 && sent[0] === 99 && sending.length === 0)).toBe(true);
      ends.add(sending.length > 0 ? "returned" : sent.length > 0 ? "sent" : "kept");
      works(it);
      if (!died) break;
    }
    expect(ends).toEqual(new Set(filled < slots ? ["kept", "returned", "sent"] : ["kept"]));
  });

  it("a receiver that dies at any step blocks nobody", () => {
    const ends = new Set<string>();
    for (let step = 0; ; step++) {
      const it = world(slots, start, filled);
      const died = dies(step, () => void it.theirs.tryReceive());
      const { sending, receiving } = it.mine.recover(it.dead.agent);
      expect(sending).toEqual([]);
      const rest = drain(it.mine);
      if (receiving.length > 0) {
        expect(receiving).toEqual([{ ptr: it.ptr, length: 1, tag: 1, from: it.heap.agent }]);
        expect(rest).toEqual(before.slice(1));
        ends.add("returned");
      } else {
        expect([before, before.slice(1)]).toContainEqual(rest);
        ends.add(rest.length < filled ? "received" : "there");
      }
      works(it);
      if (!died) break;
    }
    expect(ends).toEqual(new Set(filled > 0 ? ["there", "returned", "received"] : ["there"]));
  });
});

describe("claims that stay", () => {
  it("let others send on behind them, and are named when a receiver has waited for long", () => {
    const it = world(4, 0, 0);
    // Between the claim and the stamp.
    let step = 0;
    while (claimed(it) === 0) dies(step++, () => void it.theirs.trySend(it.ptr, 1, 99));
    for (let tag = 1; tag < 4; tag++) expect(it.mine.trySend(it.ptr, 1, tag)).toBe(true);
    expect(it.mine.trySend(it.ptr, 1)).toBe(false);
    expect(it.mine.tryReceive()).toBeUndefined();
    expect(() => it.mine.receive({ timeoutMs: 5 })).toThrow("nothing came in 5 ms; inside: agent 2");
    it.mine.close();
    expect(() => it.mine.free()).toThrow("agent 2 is inside");
    expect(it.mine.recover(3)).toEqual({ sending: [], receiving: [] });
    expect(it.mine.tryReceive()).toBeUndefined();
    it.mine.recover(2);
    expect(drain(it.mine)).toEqual([1, 2, 3]);
    expect(it.mine.receive()).toBeUndefined();
    it.mine.free();
  });

  it("of receivers let others receive on, and hold up a sender only a lap later", () => {
    const it = world(4, 2, 3);
    let step = 0;
    while (claimed(it) === 0) dies(step++, () => void it.theirs.tryReceive());
    expect(it.mine.tryReceive()?.tag).toBe(2);
    expect(it.mine.trySend(it.ptr, 1, 4)).toBe(true);
    expect(it.mine.trySend(it.ptr, 1)).toBe(false);
    expect(drain(it.mine)).toEqual([3, 4]);
    it.mine.close();
    // The next slot is still being left, but nothing can come into it any more.
    expect(it.mine.receive({ timeoutMs: 5 })).toBeUndefined();
    expect(it.mine.recover(2).receiving.map(({ tag }) => tag)).toEqual([1]);
  });

  /** How many slots are claimed. */
  function claimed({ heap, mine }: World): number {
    const first = (heap.region.base + mine.at) >>> 2;
    return Array.from({ length: mine.slots }, (_, slot) =>
      claimant(heap.memory.i32[first + CHANNEL.table + slot * SLOT.words]),
    ).filter((agent) => agent !== 0).length;
  }
});
