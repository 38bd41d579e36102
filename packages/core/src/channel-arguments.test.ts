/** What `channel` and its members refuse, before anything changes. */
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { CHANNEL } from "./channel-words.js";
import { attachHeap, channel, createHeap, type Heap } from "./index.js";

const make = (memory: number | SharedArrayBuffer = 1 << 20, base = 0): Heap =>
  createHeap({ memory, base, strategy: hyperheap() });
const shared = (bytes = 1 << 20): Heap => make(new SharedArrayBuffer(bytes));
const join = (heap: Heap): Heap => attachHeap(heap.descriptor(), { strategy: hyperheap() });
const code = (expected: string) => expect.objectContaining({ code: expected });

describe("a wrong argument changes nothing", () => {
  it("when a channel is made or joined", () => {
    const heap = make(65536);
    const before = heap.snapshot();
    for (const options of [
      {},
      { slots: 0 },
      { slots: 1.5 },
      { slots: 2 ** 20 + 1 },
      { slots: "4" },
      { slots: 4, at: 64 },
      { slots: 4, other: 1 },
      { slots: 4, validate: 1 },
      { slots: 4, tag: 5 },
      null,
    ]) {
      expect(() => channel(heap, options as never)).toThrow(code("ERR_INVALID_OPTION"));
    }
    expect(() => channel(heap, { slots: 2 ** 20 })).toThrow(code("ERR_OUT_OF_MEMORY"));
    expect(heap.snapshot()).toEqual(before);
    const { at } = channel(heap, { slots: 2 });
    const block = heap.alloc(1000);
    for (const wrong of [0, 1, at + 16, heap.toOffset(block), 2 ** 32, "x", null]) {
      expect(() => channel(heap, { at: wrong as number })).toThrow(code("ERR_INVALID_POINTER"));
    }
    const first = heap.toPtr(at) >>> 2;
    for (const [word, value] of [
      [CHANNEL.version, 2],
      [CHANNEL.slots, 3],
      [CHANNEL.slots, 4],
      [CHANNEL.slots, 0],
      [CHANNEL.slots, -1],
    ]) {
      const kept = heap.memory.i32[first + word];
      heap.memory.i32[first + word] = value;
      expect(() => channel(heap, { at })).toThrow(code("ERR_INVALID_POINTER"));
      heap.memory.i32[first + word] = kept;
    }
    expect(channel(heap, { at }).slots).toBe(2);
  });

  it.each([true, false])("when a message is sent, validate: %s", async (validate) => {
    const heap = shared(65536);
    const queue = channel(heap, { slots: 2, validate });
    const ptr = heap.alloc(32);
    const freed = heap.alloc(32);
    heap.free(freed);
    const before = heap.snapshot();
    const cases: [unknown[], string][] = [
      [[0, 1], "ERR_INVALID_POINTER"],
      [[ptr + 4, 1], "ERR_INVALID_POINTER"],
      [[heap.toPtr(queue.at), 1], "ERR_INVALID_POINTER"],
      [[2 ** 31, 1], "ERR_INVALID_POINTER"],
      [["x", 1], "ERR_INVALID_POINTER"],
      [[ptr, validate ? 33 : 65536], "ERR_INVALID_SIZE"],
      [[ptr, -1], "ERR_INVALID_SIZE"],
      [[ptr, 1.5], "ERR_INVALID_SIZE"],
      [[ptr], "ERR_INVALID_SIZE"],
      [[ptr, 1, -1], "ERR_INVALID_OPTION"],
      [[ptr, 1, 2 ** 32], "ERR_INVALID_OPTION"],
    ];
    if (validate) cases.push([[freed, 1], "ERR_DOUBLE_FREE"], [[ptr + 16, 1], "ERR_INVALID_POINTER"]);
    for (const [args, expected] of cases) {
      const [p, length, tag] = args as [number, number, number | undefined];
      expect(() => queue.trySend(p, length, tag)).toThrow(code(expected));
      expect(() => queue.send(p, length, tag)).toThrow(code(expected));
      await expect(queue.sendAsync(p, length, tag)).rejects.toEqual(code(expected));
    }
    for (const options of [
      { timeoutMs: -1 },
      { timeoutMs: Number.NaN },
      { timeoutMs: "1" },
      { timeout: 1 },
      null,
    ]) {
      expect(() => queue.send(ptr, 1, 0, options as never)).toThrow(code("ERR_INVALID_OPTION"));
      expect(() => queue.receive(options as never)).toThrow(code("ERR_INVALID_OPTION"));
    }
    for (const agent of [0, -1, 1.5, heap.agent, "2"]) {
      expect(() => queue.recover(agent as number)).toThrow(code("ERR_INVALID_OPTION"));
    }
    // The lock's generation counts questions, too.
    const after = heap.snapshot();
    expect(after.subarray(128)).toEqual(before.subarray(128));
    expect(queue.count).toBe(0);
  });

  it("when the agent has left", () => {
    const heap = shared();
    const other = join(heap);
    const queue = channel(other, { at: channel(heap, { slots: 2 }).at });
    other.detach();
    for (const call of [
      () => queue.trySend(64, 1),
      () => queue.tryReceive(),
      () => queue.count,
      () => queue.closed,
      () => queue.close(),
      () => queue.recover(1),
      () => queue.free(),
    ]) {
      expect(call).toThrow(code("ERR_DETACHED_HEAP"));
    }
  });
});
