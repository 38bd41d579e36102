/**
 * The ring of a channel: entries in and out without a lock, and what a dead agent has left.
 *
 * After D. Vyukov's bounded queue (1024cores.net, "Bounded MPMC queue"): a slot says by a sequence number whose turn it is. There a
 * claim is a step of the shared counter and the slot does not know of it, so an agent that dies then blocks the queue for ever, and
 * nobody can tell who it was. Here the claim is made in the slot, by the one compare-exchange that also names the agent; the counters
 * follow and anybody may move them on.
 *
 *            compare-exchange        store                  compare-exchange         store
 *     FREE p ───────────────► SENDING ───────────► FULL p ───────────────► RECEIVING ───────────► FREE p + slots
 *                  S claims      │  writes the entry,          R claims        │  reads the entry
 *                                │  then the stamp                             │
 *                                └── S has died, or sees that the channel      └── R has died: recover ──► FREE p + slots
 *                                    was closed ──► FREE p + slots
 *
 * | who dies where | what the words say | recovery |
 * |---|---|---|
 * | S before the claim | FREE | nothing: the block is S's |
 * | S before the stamp | SENDING, an old stamp | the position is passed over; the block is S's, and its address is nowhere |
 * | S before FULL | SENDING, the stamp of p | the position is passed over; the entry is returned |
 * | S after FULL | FULL | it is sent; who sleeps is woken |
 * | R before FREE | RECEIVING | the entry is returned: R's program has not seen it |
 * | R after FREE | FREE | the block is R's; who sleeps is woken |
 *
 * A position that is passed over looks like one that was received. It cannot be lapped: tail passes no slot that a lap before still needs.
 *
 * Sleeping: `full` and `empty` say that somebody may be asleep, `room` and `items` are what he sleeps on. A waiter reads the counter, sets
 * the flag, looks again and only then sleeps; who changes a slot looks at the flag afterwards, and counts before he notifies. He wakes one,
 * and who got something wakes the next if there is more. The flag is taken back by who finds nobody asleep: a count of waiters would never
 * come down again for one that died.
 *
 * Price: three compare-exchanges and stores on shared words a call; O(1), and O(slots) for `recover`.
 */
import {
  CHANNEL,
  claimAt,
  claimant,
  FREE,
  freeAt,
  fullAt,
  kindOf,
  lapsAhead,
  POSITIONS,
  RECEIVING,
  SENDING,
  SLOT,
} from "./channel-words.js";

/** An entry as it lies in a slot. */
export interface Entry {
  readonly offset: number;
  readonly length: number;
  readonly tag: number;
  readonly from: number;
}

/** What a call found: nothing to do now, or never again. */
export const BUSY = 1;
export const CLOSED = 2;

/** Which sleepers: senders that wait for room, receivers that wait for items. */
export type Side = "room" | "items";
const FLAG = { room: CHANNEL.full, items: CHANNEL.empty } as const;

/** The ring of one agent on the words at `first`, an index into the views that each call is given. */
export interface Ring {
  readonly slots: number;
  /** 0 when sent, `BUSY` when full, `CLOSED`. */
  send(words: Int32Array, offset: number, length: number, tag: number): number;
  receive(words: Int32Array): Entry | typeof BUSY | typeof CLOSED;
  close(words: Int32Array): void;
  isClosed(words: Int32Array): boolean;
  /** Positions between head and tail. */
  count(words: Int32Array): number;
  /** Frees the claims of an agent that has ended; what was in them. */
  recover(words: Int32Array, dead: number): { sending: Entry[]; receiving: Entry[] };
  /** Agents that have a slot claimed. */
  claimants(words: Int32Array): number[];
  /** The counter to sleep on, its value, and the flag set: look again before sleeping. */
  prepare(words: Int32Array, side: Side): number;
  /** Index of the counter. */
  counter(side: Side): number;
  wakeAll(words: Int32Array): void;
}

export function createRing(first: number, slots: number, agent: number): Ring {
  const mask = slots - 1;
  const shift = 31 - Math.clz32(slots);
  const closed = first + CHANNEL.closed;
  const tail = first + CHANNEL.tail;
  const head = first + CHANNEL.head;

  const slotOf = (position: number): number => first + CHANNEL.table + (position & mask) * SLOT.words;

  /** Whoever comes second finds it done. */
  function advance(words: Int32Array, counter: number, position: number): void {
    Atomics.compareExchange(words, counter, position, (position + 1) & POSITIONS);
  }

  function wakeOne(words: Int32Array, side: Side): void {
    const flag = first + FLAG[side];
    if (Atomics.load(words, flag) === 0) return;
    const counter = first + CHANNEL[side];
    Atomics.add(words, counter, 1);
    if (Atomics.notify(words, counter, 1) > 0) return;
    // Nobody sleeps. Who set the flag meanwhile has read the counter before this addition, and will not fall asleep on it.
    Atomics.store(words, flag, 0);
    Atomics.add(words, counter, 1);
    Atomics.notify(words, counter);
  }

  function wakeAll(words: Int32Array): void {
    for (const counter of [first + CHANNEL.room, first + CHANNEL.items]) {
      Atomics.add(words, counter, 1);
      Atomics.notify(words, counter);
    }
  }

  function read(words: Int32Array, slot: number): Entry {
    return {
      offset: words[slot + SLOT.offset] >>> 0,
      length: words[slot + SLOT.length] >>> 0,
      tag: words[slot + SLOT.tag] >>> 0,
      from: words[slot + SLOT.from] >>> 0,
    };
  }

  function send(words: Int32Array, offset: number, length: number, tag: number): number {
    for (;;) {
      if (Atomics.load(words, closed) !== 0) return CLOSED;
      const position = Atomics.load(words, tail);
      const slot = slotOf(position);
      const state = Atomics.load(words, slot);
      if (state === freeAt(position)) {
        const claim = claimAt(SENDING, position, shift, agent);
        if (Atomics.compareExchange(words, slot, state, claim) !== state) continue;
        advance(words, tail, position);
        // Closed since: a receiver may have seen that and a free slot, and gone. Who sees the claim waits for what becomes of it.
        if (Atomics.load(words, closed) !== 0) {
          Atomics.store(words, slot, freeAt(position + slots));
          wakeAll(words);
          return CLOSED;
        }
        words[slot + SLOT.offset] = offset;
        words[slot + SLOT.length] = length;
        words[slot + SLOT.tag] = tag;
        words[slot + SLOT.from] = agent;
        Atomics.store(words, slot + SLOT.stamp, fullAt(position));
        Atomics.store(words, slot, fullAt(position));
        wakeOne(words, "items");
        const next = (position + 1) & POSITIONS;
        if (lapsAhead(Atomics.load(words, slotOf(next)), next, shift) >= 0) wakeOne(words, "room");
        return 0;
      }
      const ahead = lapsAhead(state, position, shift);
      if (ahead > 0 || (ahead === 0 && kindOf(state) !== FREE)) advance(words, tail, position);
      else if (Atomics.load(words, tail) === position) return BUSY;
    }
  }

  function receive(words: Int32Array): Entry | typeof BUSY | typeof CLOSED {
    for (;;) {
      // Before the slot is looked at: see `send`.
      const ended = Atomics.load(words, closed) !== 0;
      const position = Atomics.load(words, head);
      const slot = slotOf(position);
      const state = Atomics.load(words, slot);
      if (state === fullAt(position)) {
        const claim = claimAt(RECEIVING, position, shift, agent);
        if (Atomics.compareExchange(words, slot, state, claim) !== state) continue;
        advance(words, head, position);
        const entry = read(words, slot);
        Atomics.store(words, slot, freeAt(position + slots));
        wakeOne(words, "room");
        const next = (position + 1) & POSITIONS;
        // Not only if it is full: behind a position that is passed over there may be more.
        if (Atomics.load(words, slotOf(next)) !== freeAt(next)) wakeOne(words, "items");
        return entry;
      }
      const ahead = lapsAhead(state, position, shift);
      if (ahead > 0 || (ahead === 0 && kindOf(state) === RECEIVING)) advance(words, head, position);
      else if (Atomics.load(words, head) === position) {
        // A claim of this lap may still become an entry; a free slot, or one that a lap before is still leaving, may not.
        return ended && !(ahead === 0 && kindOf(state) === SENDING) ? CLOSED : BUSY;
      }
    }
  }

  /** The position a claim is for: the last one of its slot that the counter can have reached, or the one before that. */
  function positionOf(slot: number, state: number, counter: number): number {
    const index = (slot - first - CHANNEL.table) / SLOT.words;
    const last = counter - ((counter - index) & mask);
    return lapsAhead(state, last & POSITIONS, shift) === 0 ? last : last - slots;
  }

  function recover(words: Int32Array, dead: number): { sending: Entry[]; receiving: Entry[] } {
    const sending: Entry[] = [];
    const receiving: Entry[] = [];
    for (let slot = slotOf(0); slot <= slotOf(mask); slot += SLOT.words) {
      const state = Atomics.load(words, slot);
      if (claimant(state) !== dead) continue;
      const isSending = kindOf(state) === SENDING;
      const position = positionOf(slot, state, Atomics.load(words, isSending ? tail : head));
      const written = Atomics.load(words, slot + SLOT.stamp) === fullAt(position);
      const entry = read(words, slot);
      // Of two who recover one agent, one gets the entry.
      if (Atomics.compareExchange(words, slot, state, freeAt(position + slots)) !== state) continue;
      if (!isSending) receiving.push(entry);
      else if (written) sending.push(entry);
    }
    // Also who was to be woken by the dead one, or was woken in its stead.
    wakeAll(words);
    return { sending, receiving };
  }

  return {
    slots,
    send,
    receive,
    recover,
    wakeAll,
    close(words) {
      Atomics.store(words, closed, 1);
      wakeAll(words);
    },
    isClosed: (words) => Atomics.load(words, closed) !== 0,
    count: (words) => (Atomics.load(words, tail) - Atomics.load(words, head)) & POSITIONS,
    claimants(words) {
      const found = new Set<number>();
      for (let index = 0; index < slots; index++) found.add(claimant(Atomics.load(words, slotOf(index))));
      found.delete(0);
      return [...found];
    },
    counter: (side) => first + CHANNEL[side],
    prepare(words, side) {
      const seen = Atomics.load(words, first + CHANNEL[side]);
      Atomics.store(words, first + FLAG[side], 1);
      return seen;
    },
  };
}

/** Zeroed words become a channel; the magic last. */
export function formatRing(
  words: Int32Array,
  first: number,
  slots: number,
  magic: number,
  version: number,
): void {
  words[first + CHANNEL.slots] = slots;
  words[first + CHANNEL.version] = version;
  for (let index = 0; index < slots; index++) {
    words[first + CHANNEL.table + index * SLOT.words] = freeAt(index);
  }
  Atomics.store(words, first + CHANNEL.magic, magic);
}
