/** The lock between a worker, which may sleep, and the main thread, which spins or waits in `enterAsync`. */
import { atomicsLock, attachHeap, createHeap, type HeapDescriptor } from "@heapwright/core";
import { start } from "../agents.js";
import { type StackName, stackOf, thrownBy } from "../stacks.js";
import type { Surroundings } from "../surroundings.js";

export async function contention({ stack, holdMs }: { stack: StackName; holdMs: number }) {
  const holders: number[] = [];
  const lock = atomicsLock({ onContention: (holder) => holders.push(holder) });
  const heap = createHeap({ memory: new SharedArrayBuffer(1 << 20), lock, ...stackOf(stack) });
  const agent = start("holder", { descriptor: heap.descriptor(), stack, holdMs });
  const id = await agent.next<number>();

  // It has the lock, and this thread wants a block.
  agent.post("hold");
  await agent.next();
  const before = performance.now();
  const ptr = heap.alloc(64);
  const spunMs = performance.now() - before;
  const spun = heap.contention;

  // The same, and this thread goes on.
  agent.post("hold");
  await agent.next();
  let ticks = 0;
  const ticking = setInterval(() => ticks++, 1);
  const held = await heap.enterAsync();
  clearInterval(ticking);
  const waited = heap.contention;

  // The other way round: it sleeps until this thread leaves.
  agent.post("allocate");
  while (heap.contention.slept === waited.slept) await new Promise((resolve) => setTimeout(resolve, 1));
  const blocked = heap.usedBytes;
  heap.free(ptr);
  held.leave();
  const woken = await agent.done;
  return {
    id,
    holders,
    spunMs,
    spun,
    ticks,
    waited,
    blocked,
    woken,
    usedBytes: heap.usedBytes,
    check: thrownBy(() => heap.check()),
  };
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

export interface HolderData {
  readonly descriptor: HeapDescriptor;
  readonly stack: StackName;
  readonly holdMs: number;
}

export async function holderRole({ descriptor, stack, holdMs }: HolderData, { say, heard }: Surroundings) {
  const heap = attachHeap(descriptor, stackOf(stack));
  say(heap.agent);
  while ((await heard()) === "hold") {
    const held = await heap.enterAsync();
    const { contended } = heap.contention;
    say("in");
    // So long after somebody has come who wants it.
    while (heap.contention.contended === contended) sleep(1);
    sleep(holdMs);
    held.leave();
  }
  const ptr = heap.alloc(16);
  heap.free(ptr);
  return ptr !== 0;
}
