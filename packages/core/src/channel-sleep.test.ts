/** Nobody sleeps on: whoever is overtaken while he lies down, whoever dies before he wakes others, whoever is woken in vain. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CHANNEL, claimAt, freeAt, fullAt, POSITIONS, RECEIVING, SENDING, SLOT } from "./channel-words.js";
import { dies, interrupted, type World, world } from "./fixtures/channel-world.js";

// A waiter that is forgotten finds out when its time is up: then the test has taken too long.
const timeoutMs = 10_000;
let began = 0;
beforeEach(() => {
  began = Date.now();
});
afterEach(() => expect(Date.now() - began).toBeLessThan(timeoutMs));
const turns = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

/** A waiting receiver's tag. */
const received = async ({ mine }: World): Promise<number | undefined> =>
  (await mine.receiveAsync({ timeoutMs }))?.tag;

const first = ({ heap, mine }: World): number => (heap.region.base + mine.at) >>> 2;
const slotAt = (it: World, position: number): number =>
  first(it) + CHANNEL.table + (position % it.mine.slots) * SLOT.words;

describe("a waiter that is overtaken while he lies down", () => {
  it("sees what was sent", async () => {
    for (let step = 0; ; step++) {
      const it = world(2, 5, 0);
      let waiting: Promise<number | undefined> | undefined;
      const came = interrupted(
        step,
        () => it.theirs.send(it.ptr, 1, 99),
        () => {
          waiting = received(it);
        },
      );
      if (!came) it.theirs.send(it.ptr, 1, 99);
      expect(await waiting).toBe(99);
      if (!came) break;
    }
  });

  it("sees what has become free", async () => {
    for (let step = 0; ; step++) {
      const it = world(2, 5, 2);
      let waiting: Promise<void> | undefined;
      const came = interrupted(
        step,
        () => void it.theirs.receive(),
        () => {
          waiting = it.mine.sendAsync(it.ptr, 1, 99, { timeoutMs });
        },
      );
      if (!came) it.theirs.receive();
      await waiting;
      expect([it.mine.receive()?.tag, it.mine.receive()?.tag]).toEqual([2, 99]);
      if (!came) break;
    }
  });
});

describe("recover wakes", () => {
  it("who waits for what the dead one has sent", async () => {
    for (let step = 0; ; step++) {
      const it = world(2, POSITIONS, 0);
      const waiting = received(it);
      const died = dies(step, () => void it.theirs.trySend(it.ptr, 1, 99));
      it.mine.recover(it.dead.agent);
      // A position that was given up is passed over by who looks next.
      const isSent = it.heap.memory.i32[slotAt(it, POSITIONS)] === fullAt(POSITIONS);
      if (!isSent) it.mine.send(it.ptr, 1, 5);
      expect(await waiting).toBe(isSent ? 99 : 5);
      if (!died) break;
    }
  });

  it("who waits for what the dead one has freed", async () => {
    for (let step = 0; ; step++) {
      const it = world(1, 7, 1);
      const waiting = it.mine.sendAsync(it.ptr, 1, 99, { timeoutMs });
      const died = dies(step, () => void it.theirs.tryReceive());
      it.mine.recover(it.dead.agent);
      if (it.heap.memory.i32[slotAt(it, 7)] === fullAt(7)) it.mine.receive();
      await waiting;
      expect(it.mine.receive()?.tag).toBe(99);
      if (!died) break;
    }
  });
});

describe("who was woken in vain and lies down again", () => {
  /** What an agent does last, after its store: it wakes one. */
  function wakeOne(it: World, counter: number): void {
    Atomics.add(it.heap.memory.i32, first(it) + counter, 1);
    Atomics.notify(it.heap.memory.i32, first(it) + counter, 1);
  }

  it("is woken by the receiver before him when there is more", async () => {
    const it = world(4, 0, 0);
    const words = it.heap.memory.i32;
    const both = Promise.all([received(it), received(it)]);
    // Agent 2 is stopped inside a call, with position 0; agent 1 sends behind it, and wakes one who finds nothing.
    words[slotAt(it, 0)] = claimAt(SENDING, 0, 2, it.dead.agent);
    words[first(it) + CHANNEL.tail] = 1;
    it.mine.send(it.ptr, 1, 8);
    await turns();
    words[slotAt(it, 0) + SLOT.offset] = it.heap.toOffset(it.ptr);
    words[slotAt(it, 0) + SLOT.tag] = 7;
    Atomics.store(words, slotAt(it, 0), fullAt(0));
    wakeOne(it, CHANNEL.items);
    expect((await both).sort()).toEqual([7, 8]);
  });

  it("is woken by the sender before him when there is more room", async () => {
    const it = world(2, 0, 2);
    const words = it.heap.memory.i32;
    const both = Promise.all([8, 9].map((tag) => it.mine.sendAsync(it.ptr, 1, tag, { timeoutMs })));
    words[slotAt(it, 0)] = claimAt(RECEIVING, 0, 1, it.dead.agent);
    words[first(it) + CHANNEL.head] = 1;
    expect(it.mine.receive()?.tag).toBe(2);
    await turns();
    Atomics.store(words, slotAt(it, 0), freeAt(2));
    wakeOne(it, CHANNEL.room);
    await both;
    expect([it.mine.receive()?.tag, it.mine.receive()?.tag].sort()).toEqual([8, 9]);
  });
});
