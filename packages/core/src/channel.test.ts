/** A channel of one agent, or of two on one thread, held against a plain array. */
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { CHANNEL, channelBytes, freeAt, POSITIONS, SLOT } from "./channel-words.js";
import {
  attachHeap,
  type Channel,
  channel,
  createHeap,
  type Heap,
  type Message,
  restoreHeap,
} from "./index.js";

const make = (memory: number | SharedArrayBuffer = 1 << 20, base = 0): Heap =>
  createHeap({ memory, base, strategy: hyperheap() });
const shared = (bytes = 1 << 20): Heap => make(new SharedArrayBuffer(bytes));
const join = (heap: Heap): Heap => attachHeap(heap.descriptor(), { strategy: hyperheap() });
const live = (heap: Heap): number[] =>
  [...heap.blocks()].filter(({ state }) => state === "used").map(({ ptr }) => ptr);
const code = (expected: string) => expect.objectContaining({ code: expected });

/** An empty channel whose next position is `position`. */
function preset(heap: Heap, { at, slots }: Channel, position: number): void {
  const words = heap.memory.i32;
  const first = (heap.region.base + at) >>> 2;
  words[first + CHANNEL.tail] = position & POSITIONS;
  words[first + CHANNEL.head] = position & POSITIONS;
  for (let next = position; next < position + slots; next++) {
    words[first + CHANNEL.table + (next % slots) * SLOT.words] = freeAt(next);
  }
}

describe("a channel", () => {
  it("hands on pointer, length, tag and sender, in order", () => {
    const heap = make(1 << 20, 64);
    const queue = channel(heap, { slots: 4 });
    const [a, b] = [heap.alloc(10), heap.alloc(4096, 4096)];
    queue.send(a, 10, 0xffffffff);
    expect(queue.trySend(b, 0)).toBe(true);
    expect(queue.count).toBe(2);
    expect(queue.receive()).toEqual({ ptr: a, length: 10, tag: 0xffffffff, from: heap.agent });
    expect(queue.tryReceive()).toEqual({ ptr: b, length: 0, tag: 0, from: heap.agent });
    expect(queue.tryReceive()).toBeUndefined();
    expect(queue.count).toBe(0);
  });

  it.each([1, 2, 3, 4, 64])("of %d slots holds as many as it says, rounded up", (slots) => {
    const heap = make();
    const queue = channel(heap, { slots });
    expect(queue.slots).toBe(slots === 3 ? 4 : slots);
    const ptr = heap.alloc(16);
    for (let lap = 0; lap < 40; lap++) {
      for (let sent = 0; sent < queue.slots; sent++) expect(queue.trySend(ptr, 1, sent)).toBe(true);
      expect(queue.trySend(ptr, 1)).toBe(false);
      expect(queue.count).toBe(queue.slots);
      for (let got = 0; got < queue.slots; got++) expect(queue.tryReceive()?.tag).toBe(got);
      expect(queue.tryReceive()).toBeUndefined();
    }
  });

  it("is one block of the heap, found by its offset in it and in a copy of it", () => {
    const heap = make(65536);
    const queue = channel(heap, { slots: 8 });
    expect(live(heap)).toEqual([heap.toPtr(queue.at)]);
    expect(heap.usableSize(heap.toPtr(queue.at))).toBe(channelBytes(8));
    const { ptr, bytes } = heap.string("kept");
    queue.send(ptr, bytes, 5);
    const copy = restoreHeap(heap.snapshot(), { strategy: hyperheap(), memory: 1 << 17, base: 4096 });
    const message = channel(copy, { at: queue.at }).receive() as Message;
    expect([copy.text(message.ptr, message.length), message.tag, message.ptr - ptr]).toEqual([
      "kept",
      5,
      4096,
    ]);
    copy.check();
    heap.check();
  });

  it("gives the receiver views that reach what another agent has grown the heap by", () => {
    const memory = new SharedArrayBuffer(1 << 16, { maxByteLength: 1 << 20 });
    const heap = createHeap({ memory, strategy: hyperheap(), growth: { max: 1 << 20 } });
    const queue = channel(heap, { slots: 2 });
    const other = attachHeap(heap.descriptor(), { strategy: hyperheap() }, { growth: {} });
    const theirs = channel(other, { at: queue.at });
    const ptr = other.alloc(500_000);
    theirs.send(ptr, 500_000);
    const message = queue.receive() as Message;
    expect(heap.memory.u8.length).toBeGreaterThan(message.ptr + message.length - 1);
    heap.free(message.ptr);
  });

  it.each([1, 2, 8])("of %d slots is a plain array's equal, over the end of the positions", (slots) => {
    for (const start of [0, POSITIONS + 1 - 3 * slots, 5 * slots]) {
      const heap = shared();
      const mine = channel(heap, { slots });
      preset(heap, mine, start);
      const other = join(heap);
      const ends = [mine, channel(other, { at: mine.at, validate: false })];
      const expected: Message[] = [];
      let seed = 1 + start;
      const random = (below: number): number => {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        return (seed >>> 8) % below;
      };
      for (let step = 0; step < 4000; step++) {
        const end = random(2);
        const queue = ends[end];
        if (random(2) === 0) {
          const size = 1 + random(100);
          const ptr = heap.alloc(size);
          const message = { ptr, length: random(size + 1), tag: step, from: [heap, other][end].agent };
          const took = queue.trySend(ptr, message.length, step);
          expect(took).toBe(expected.length < slots);
          if (took) expected.push(message);
          else heap.free(ptr);
        } else {
          const message = queue.tryReceive();
          expect(message).toEqual(expected.shift());
          if (message !== undefined) heap.free(message.ptr);
        }
        expect(mine.count).toBe(expected.length);
      }
      expect(new Set(live(heap))).toEqual(new Set([heap.toPtr(mine.at), ...expected.map(({ ptr }) => ptr)]));
      mine.free();
      expect(live(heap)).toEqual([]);
      heap.check();
    }
  });
});

it("an entry that names no place in the heap is told, not handed out", () => {
  const heap = make(65536);
  const queue = channel(heap, { slots: 2 });
  for (const [word, value] of [
    [SLOT.offset, 65536],
    [SLOT.offset, 0],
    [SLOT.length, 65536],
  ]) {
    const entry = (heap.toPtr(queue.at) >>> 2) + CHANNEL.table + word;
    for (const slot of [0, 1]) {
      queue.send(heap.alloc(16), 16);
      heap.memory.i32[entry + slot * SLOT.words] = value;
      expect(() => queue.receive()).toThrow(code("ERR_HEAP_CORRUPT"));
    }
  }
  expect(queue.count).toBe(0);
});

describe("closing", () => {
  it("lets receivers drain, and refuses senders", async () => {
    const heap = shared();
    const queue = channel(heap, { slots: 4 });
    const ptr = heap.alloc(16);
    queue.send(ptr, 16, 1);
    queue.send(ptr, 16, 2);
    expect(queue.closed).toBe(false);
    queue.close();
    queue.close();
    expect(queue.closed).toBe(true);
    expect(() => queue.trySend(ptr, 1)).toThrow(code("ERR_UNSUPPORTED"));
    expect(() => queue.send(ptr, 1)).toThrow(code("ERR_UNSUPPORTED"));
    await expect(queue.sendAsync(ptr, 1)).rejects.toEqual(code("ERR_UNSUPPORTED"));
    expect(queue.receive()?.tag).toBe(1);
    expect((await queue.receiveAsync())?.tag).toBe(2);
    expect([queue.receive(), queue.tryReceive(), await queue.receiveAsync()]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    for await (const _ of queue) throw new Error("nothing is left");
  });

  it("refuses on a full channel, too", () => {
    const heap = make();
    const queue = channel(heap, { slots: 1 });
    queue.send(heap.alloc(1), 1);
    queue.close();
    expect(() => queue.trySend(heap.alloc(1), 1)).toThrow(code("ERR_UNSUPPORTED"));
    expect(queue.receive()?.length).toBe(1);
  });

  it("by free: what is left is freed, then the channel, once", () => {
    const heap = make();
    const queue = channel(heap, { slots: 4 });
    const again = channel(heap, { at: queue.at });
    const kept = heap.alloc(8);
    for (let sent = 0; sent < 3; sent++) queue.send(heap.alloc(100), 100);
    queue.free();
    queue.free();
    expect(live(heap)).toEqual([kept]);
    heap.check();
    for (const call of [
      () => queue.trySend(kept, 1),
      () => queue.receive(),
      () => queue.count,
      () => queue.close(),
    ]) {
      expect(call).toThrow(code("ERR_INVALID_POINTER"));
    }
    expect(() => channel(heap, { at: again.at })).toThrow(code("ERR_DOUBLE_FREE"));
  });
});

describe("waiting on one thread", () => {
  it("is refused where the memory is not shared", async () => {
    const heap = make();
    const queue = channel(heap, { slots: 1 });
    const ptr = heap.alloc(1);
    expect(() => queue.receive()).toThrow(code("ERR_UNSUPPORTED"));
    await expect(queue.receiveAsync()).rejects.toEqual(code("ERR_UNSUPPORTED"));
    queue.send(ptr, 1);
    expect(() => queue.send(ptr, 1)).toThrow(code("ERR_UNSUPPORTED"));
    await expect(queue.sendAsync(ptr, 1)).rejects.toEqual(code("ERR_UNSUPPORTED"));
    expect(queue.count).toBe(1);
  });

  it("ends with the timeout", async () => {
    const heap = shared();
    const queue = channel(heap, { slots: 1 });
    const ptr = heap.alloc(1);
    const before = Date.now();
    expect(() => queue.receive({ timeoutMs: 20 })).toThrow(code("ERR_LOCK_TIMEOUT"));
    await expect(queue.receiveAsync({ timeoutMs: 20 })).rejects.toEqual(code("ERR_LOCK_TIMEOUT"));
    queue.send(ptr, 1);
    expect(() => queue.send(ptr, 1, 0, { timeoutMs: 20 })).toThrow("no slot was free in 20 ms");
    await expect(queue.sendAsync(ptr, 1, 0, { timeoutMs: 20 })).rejects.toEqual(code("ERR_LOCK_TIMEOUT"));
    expect(Date.now() - before).toBeGreaterThanOrEqual(70);
    expect(() => queue.send(ptr, 1, 0, { timeoutMs: 0 })).toThrow(code("ERR_LOCK_TIMEOUT"));
    expect(queue.receive({ timeoutMs: 0 })?.ptr).toBe(ptr);
  });

  it.each(["Atomics.waitAsync", "no Atomics.waitAsync"])("asynchronously is woken with %s", async (kind) => {
    const atomics = Atomics as unknown as { waitAsync: unknown };
    const { waitAsync } = atomics;
    if (kind.startsWith("no")) atomics.waitAsync = undefined;
    try {
      const heap = shared();
      const queue = channel(heap, { slots: 2 });
      const ptr = heap.alloc(16);
      const got: (number | undefined)[] = [];
      const readers = [1, 2, 3].map(async () => got.push((await queue.receiveAsync())?.tag));
      for (let tag = 1; tag <= 3; tag++) await queue.sendAsync(ptr, 1, tag);
      await Promise.all(readers);
      expect(got.sort()).toEqual([1, 2, 3]);

      const loop = (async () => {
        const tags: number[] = [];
        for await (const { tag } of queue) tags.push(tag);
        return tags;
      })();
      for (let tag = 0; tag < 50; tag++) await queue.sendAsync(ptr, 1, tag, { timeoutMs: 10_000 });
      queue.close();
      expect(await loop).toEqual(Array.from({ length: 50 }, (_, tag) => tag));
    } finally {
      atomics.waitAsync = waitAsync;
    }
  });

  it("asynchronously sees the closing", async () => {
    const heap = shared();
    const queue = channel(heap, { slots: 1 });
    const readers = [queue.receiveAsync(), queue.receiveAsync()];
    const other = channel(heap, { slots: 1 });
    other.send(heap.alloc(1), 1);
    const writer = other.sendAsync(heap.alloc(1), 1);
    queue.close();
    other.close();
    expect(await Promise.all(readers)).toEqual([undefined, undefined]);
    await expect(writer).rejects.toEqual(code("ERR_UNSUPPORTED"));
  });
});
