/** The ring, step by step: an agent dies before each of its atomic steps, or is overtaken there by another one. */
import { hyperheap } from "@heapwright/hyperheap";
import { afterEach, describe, expect, it } from "vitest";
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
import { attachHeap, type Channel, channel, createHeap, type Heap } from "./index.js";

const code = (expected: string) => expect.objectContaining({ code: expected });

const STEPS = ["load", "store", "compareExchange", "add", "notify"] as const;
type Step = (typeof STEPS)[number];
const atomics = Atomics as unknown as Record<Step, (...args: unknown[]) => unknown>;
const originals = Object.fromEntries(STEPS.map((step) => [step, atomics[step]])) as Record<
  Step,
  () => unknown
>;

/** Runs `work`, and `interrupt` before its atomic step number `at`, from 0; returns false if it had fewer steps. */
function interrupted(at: number, interrupt: () => void, work: () => void): boolean {
  let left = at;
  let came = false;
  const restore = (): void => void Object.assign(atomics, originals);
  const wrap =
    (step: Step) =>
    (...args: unknown[]): unknown => {
      if (left-- === 0) {
        came = true;
        restore();
        interrupt();
      }
      return (originals[step] as (...args: unknown[]) => unknown)(...args);
    };
  for (const step of STEPS) atomics[step] = wrap(step);
  try {
    work();
  } finally {
    restore();
  }
  return came;
}
afterEach(() => void Object.assign(atomics, originals));

class Death extends Error {}
/** Runs `work` until its step number `at`; returns false if it ended before. */
function dies(at: number, work: () => void): boolean {
  const die = (): void => {
    throw new Death();
  };
  try {
    return interrupted(at, die, work);
  } catch (error) {
    if (error instanceof Death) return true;
    throw error;
  }
}

interface World {
  readonly heap: Heap;
  readonly dead: Heap;
  /** Channels of the one that stays, and of the one that dies or is overtaken. */
  readonly mine: Channel;
  readonly theirs: Channel;
  readonly ptr: number;
}

/** Two agents, a channel whose first position is `start` and that has `filled` messages, tags 1 … */
function world(slots: number, start: number, filled: number): World {
  const heap = createHeap({ memory: new SharedArrayBuffer(65536), strategy: hyperheap() });
  const dead = attachHeap(heap.descriptor(), { strategy: hyperheap() });
  const mine = channel(heap, { slots, validate: false });
  const theirs = channel(dead, { at: mine.at, validate: false });
  const words = heap.memory.i32;
  const first = (heap.region.base + mine.at) >>> 2;
  words[first + CHANNEL.tail] = start;
  words[first + CHANNEL.head] = start;
  for (let next = start; next < start + slots; next++) {
    words[first + CHANNEL.table + (next % slots) * SLOT.words] = freeAt(next);
  }
  const ptr = heap.alloc(64);
  for (let tag = 1; tag <= filled; tag++) mine.send(ptr, 1, tag);
  return { heap, dead, mine, theirs, ptr };
}

/** All tags that come out, in order. */
function drain(queue: Channel): number[] {
  const tags: number[] = [];
  for (let message = queue.tryReceive(); message !== undefined; message = queue.tryReceive())
    tags.push(message.tag);
  return tags;
}

/** Fills and drains the channel over several laps: it works as if new. */
function works({ mine, ptr }: World): void {
  for (let lap = 0; lap < 3; lap++) {
    for (let tag = 0; tag < mine.slots; tag++) expect(mine.trySend(ptr, 1, tag)).toBe(true);
    expect(mine.trySend(ptr, 1)).toBe(false);
    expect(drain(mine)).toEqual(Array.from({ length: mine.slots }, (_, tag) => tag));
    expect(mine.count).toBe(0);
  }
}

const rings = [1, 2, 4].flatMap((slots) =>
  [3 * slots + 1, POSITIONS].flatMap((start) =>
    Array.from({ length: slots + 1 }, (_, filled) => ({ slots, start, filled })),
  ),
);

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

  it("a call that is overtaken at any step loses and doubles nothing", () => {
    for (const call of ["send", "receive"]) {
      for (const program of ["s", "r", "ss", "rr", "sr", "rs", "srsr", "ssrr", "rrss", "c", "sc", "rc"]) {
        for (const times of [1, 9]) {
          for (let step = 0; ; step++) {
            const it = world(slots, start, filled);
            const got: number[] = [];
            const sent = [...before];
            let closed = false;
            const receive = (queue: Channel): void => {
              const message = queue.tryReceive();
              if (message !== undefined) got.push(message.tag);
            };
            const send = (queue: Channel, tag: number): void => {
              try {
                if (queue.trySend(it.ptr, 1, tag)) sent.push(tag);
              } catch (error) {
                expect([closed, error]).toEqual([true, code("ERR_UNSUPPORTED")]);
              }
            };
            const others = (): void => {
              for (let round = 0; round < times; round++) {
                for (const letter of program) {
                  if (letter === "c") {
                    it.mine.close();
                    closed = true;
                  } else if (letter === "r") receive(it.mine);
                  else send(it.mine, 1000 + sent.length + round);
                }
              }
            };
            const own = call === "send" ? () => send(it.theirs, 99) : () => receive(it.theirs);
            const came = interrupted(step, others, own);
            // What came out was sent, once each; what did not is still in there.
            const all = [...got, ...drain(it.mine)];
            expect([...all].sort()).toEqual([...sent].sort());
            // In order but for the call itself, which may be counted before or after those that overtook it.
            const apart = call === "send" ? 99 : all[0];
            if (call === "send") {
              expect(all.filter((tag) => tag !== apart)).toEqual(sent.filter((tag) => tag !== apart));
            }
            if (!closed) works(it);
            else expect(it.mine.receive()).toBeUndefined();
            if (!came) break;
          }
        }
      }
    }
  });
});

describe.each(rings)(
  "the end of $slots slots from position $start, $filled in it",
  ({ slots, start, filled }) => {
    /** A receive that does not wait: the tag, "end", or "busy". */
    function next(queue: Channel): number | string {
      try {
        return queue.receive({ timeoutMs: 0 })?.tag ?? "end";
      } catch (error) {
        expect(error).toEqual(code("ERR_LOCK_TIMEOUT"));
        return "busy";
      }
    }

    it("is final, wherever closing and receiving overtake a call", () => {
      const seen = new Set<string>();
      for (const call of ["send", "receive"]) {
        for (const program of ["c", "ce", "cee", "sc", "sce", "rc", "src", "sceeeeeee"]) {
          for (let step = 0; ; step++) {
            const it = world(slots, start, filled);
            let ended = false;
            const take = (queue: Channel): void => {
              const got = next(queue);
              // After the end nothing comes, but for the call that had its message in hand before.
              if (queue === it.mine) expect(ended && typeof got === "number").toBe(false);
              if (got === "end") ended = true;
              seen.add(typeof got === "number" ? "message" : got);
            };
            const others = (): void => {
              for (const letter of program) {
                if (letter === "c") it.mine.close();
                else if (letter === "s") it.mine.trySend(it.ptr, 1, 50);
                else take(it.mine);
              }
            };
            const send = (): void => {
              try {
                it.theirs.trySend(it.ptr, 1, 99);
              } catch (error) {
                expect(error).toEqual(code("ERR_UNSUPPORTED"));
              }
            };
            const came = interrupted(step, others, call === "send" ? send : () => take(it.theirs));
            if (ended) expect(it.mine.tryReceive()).toBeUndefined();
            drain(it.mine);
            if (came) expect(it.mine.receive()).toBeUndefined();
            if (!came) break;
          }
        }
      }
    });
  },
);

describe("a call that others overtake by many laps", () => {
  it.each([1, 2])("still finds the room, or the message, there is among %d slots", (slots) => {
    for (let times = 1; times <= 34; times++) {
      for (let step = 0; ; step++) {
        const send = world(slots, POSITIONS - 20, 0);
        const others =
          ({ mine, ptr }: World, program: string) =>
          (): void => {
            for (let round = 0; round < times; round++) {
              for (const letter of program) {
                if (letter === "s") mine.trySend(ptr, 1, round);
                else mine.tryReceive();
              }
            }
          };
        let done = false;
        const sent = interrupted(step, others(send, "sr"), () => {
          done = send.theirs.trySend(send.ptr, 1);
        });
        expect(done).toBe(true);
        const receive = world(slots, POSITIONS - 20, 1);
        let got = false;
        const received = interrupted(step, others(receive, slots === 1 ? "rs" : "sr"), () => {
          got = receive.theirs.tryReceive() !== undefined;
        });
        expect(got).toBe(true);
        if (!sent && !received) break;
      }
    }
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
