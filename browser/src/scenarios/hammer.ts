/**
 * The main thread and workers allocate, fill, verify, resize, pass on and free, all at once. A block is verified by whoever frees it, often
 * another agent than the one that made it.
 */
import {
  attachHeap,
  type Channel,
  channel,
  createHeap,
  type Heap,
  type HeapDescriptor,
  type Tag,
} from "@heapwright/core";
import { start, turn } from "../agents.js";
import { dice, fill, isWhole, type Parcel } from "../pattern.js";
import { liveBlocks, type StackName, stackOf, thrownBy } from "../stacks.js";

export interface HammerData {
  readonly descriptor: HeapDescriptor;
  readonly stack: StackName;
  /** Where each agent's inbox is. */
  readonly at: readonly number[];
  readonly index: number;
  readonly operations: number;
  /** Counts agents that have come, and then those that send no more. */
  readonly gate: Int32Array;
}

/** One agent's part of it. */
function createHammer(heap: Heap, inboxes: readonly Channel[], index: number, tag?: Tag) {
  const below = dice(index + 1);
  const sums = { allocations: 0, failures: 0, freed: 0, foreign: 0, resized: 0, faults: 0 };
  const live: Parcel[] = [];
  const inbox = inboxes[index] as Channel;

  function end(parcel: Parcel): void {
    if (!isWhole(heap, parcel)) sums.faults++;
    heap.free(parcel.ptr);
    sums.freed++;
    if (parcel.by !== index) sums.foreign++;
  }

  function receive(): boolean {
    const came = inbox.tryReceive();
    if (came !== undefined) end({ ptr: came.ptr, size: came.length, by: came.tag });
    return came !== undefined;
  }

  function allocate(): void {
    const size = 1 + below(below(20) === 0 ? 2000 : 120);
    const parcel = { ptr: heap.allocUnsafe(size, 16, tag), size, by: index };
    if (parcel.ptr === 0) {
      sums.failures++;
      return;
    }
    sums.allocations++;
    fill(heap, parcel);
    live.push(parcel);
  }

  function resize(at: number): void {
    const { ptr, size } = live[at] as Parcel;
    const next = { ptr: 0, size: 1 + below(300), by: index };
    next.ptr = heap.reallocUnsafe(ptr, next.size);
    if (next.ptr === 0) {
      sums.failures++;
      return;
    }
    const kept = Math.min(size, next.size);
    if (!isWhole(heap, { ...next, size: kept })) sums.faults++;
    fill(heap, next, kept);
    live[at] = next;
    sums.resized++;
  }

  /** Gives a block away: to another agent, if it is to be sent and there is room, else to the heap. */
  function part(at: number, isSent: boolean): void {
    const [parcel] = live.splice(at, 1) as [Parcel];
    const to = inboxes[(index + 1 + below(inboxes.length - 1)) % inboxes.length] as Channel;
    if (!(isSent && to.trySend(parcel.ptr, parcel.size, index))) end(parcel);
  }

  return {
    sums,
    step(): void {
      if (receive()) return;
      const roll = below(100);
      const at = below(live.length);
      if (roll < 45 && live.length < 60) allocate();
      else if (live.length > 0 && roll < 50) resize(at);
      else if (live.length > 0) part(at, roll < 80);
    },
    finish(): void {
      for (const parcel of live.splice(0)) end(parcel);
    },
    drain(): void {
      while (receive());
    },
  };
}

function arrive(gate: Int32Array): void {
  Atomics.add(gate, 0, 1);
  Atomics.notify(gate, 0);
}

/** Asleep; returns when so many have come. */
function meet(gate: Int32Array, agents: number): void {
  arrive(gate);
  for (let seen = Atomics.load(gate, 0); seen < agents; seen = Atomics.load(gate, 0))
    Atomics.wait(gate, 0, seen);
}

/** The same on the main thread, which may not. */
async function meetAwake(gate: Int32Array, agents: number): Promise<void> {
  arrive(gate);
  while (Atomics.load(gate, 0) < agents) await turn();
}

export function hammerRole({ descriptor, stack, at, index, operations, gate }: HammerData) {
  const heap = attachHeap(descriptor, stackOf(stack));
  const inboxes = at.map((offset) => channel(heap, { at: offset, validate: false }));
  const hammer = createHammer(heap, inboxes, index, heap.stats?.tag(`agent ${index}`));
  meet(gate, at.length);
  for (let step = 0; step < operations; step++) hammer.step();
  hammer.finish();
  meet(gate, 2 * at.length);
  hammer.drain();
  heap.detach();
  return hammer.sums;
}

export interface HammerOptions {
  readonly stack: StackName;
  readonly workers: number;
  /** Of each worker, and of the main thread. */
  readonly operations: number;
  readonly mainOperations: number;
}

export async function hammer({ stack, workers, operations, mainOperations }: HammerOptions) {
  const heap = createHeap({ memory: new SharedArrayBuffer(2 << 20), ...stackOf(stack) });
  const inboxes = Array.from({ length: workers + 1 }, () => channel(heap, { slots: 512, validate: false }));
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const at = inboxes.map((inbox) => inbox.at);
  const data = { descriptor: heap.descriptor(), stack, at, operations, gate };
  const agents = inboxes.slice(1).map((_, index) => start("hammer", { ...data, index: index + 1 }));
  const own = createHammer(heap, inboxes, 0, heap.stats?.tag("agent 0"));
  await meetAwake(gate, at.length);
  // In slices, as a page has to; every other one under a lock that was waited for without blocking.
  const slice = 100;
  let held = 0;
  for (let done = 0; done < mainOperations; done += slice) {
    const lock = (done / slice) % 2 === 0 ? undefined : await heap.enterAsync();
    try {
      for (let step = 0; step < slice; step++) own.step();
    } finally {
      lock?.leave();
      if (lock !== undefined) held++;
    }
    await turn();
  }
  own.finish();
  await meetAwake(gate, 2 * at.length);
  own.drain();
  const sums = [own.sums, ...(await Promise.all(agents.map(({ done }) => done)))];
  const check = thrownBy(() => heap.check());
  const stats = heap.stats && sums.map((_, index) => heap.stats?.get(`agent ${index}`));
  const { contention } = heap;
  for (const inbox of inboxes) inbox.free();
  return {
    sums,
    stats,
    check,
    held,
    contention,
    left: liveBlocks(heap).length,
    usedBytes: heap.usedBytes,
    lastCheck: thrownBy(() => heap.check()),
  };
}
