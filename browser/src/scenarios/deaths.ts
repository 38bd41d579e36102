/** Workers that are terminated, inside a call and at random moments, and what the main thread does about it. */
import {
  atomicsLock,
  attachHeap,
  createHeap,
  type Heap,
  type HeapDescriptor,
  isHeapError,
  type RecoveryReport,
} from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { pause, start } from "../agents.js";
import { consume, dice, isWhole, parcels } from "../pattern.js";
import { liveBlocks, rejectedBy, type StackName, stackOf, thrownBy } from "../stacks.js";
import type { Surroundings } from "../surroundings.js";

interface Joining {
  readonly descriptor: HeapDescriptor;
  readonly stack: StackName;
}

const plain = ({ agent, held, operation, size, errors }: RecoveryReport) => ({
  agent,
  held,
  operation,
  size,
  errors: errors.map(String),
});

export async function deathInside({ stack, timeoutMs }: { stack: StackName; timeoutMs: number }) {
  const lock = atomicsLock({ timeoutMs });
  const heap = createHeap({ memory: new SharedArrayBuffer(1 << 20), lock, ...stackOf(stack) });
  const mine = parcels(heap, 0, 20);
  const dead = start("stuck", { descriptor: heap.descriptor(), stack });
  const id = await dead.next<number>();
  const blocked = [thrownBy(() => heap.alloc(16)), await rejectedBy(heap.enterAsync({ timeoutMs }))];
  // Somebody else sleeps all the while.
  const survivor = start("survivor", { descriptor: heap.descriptor(), stack });
  const { slept } = heap.contention;
  while (heap.contention.slept === slept) await pause(1);
  await dead.end();
  const dying = thrownBy(() => heap.alloc(16));
  const report = plain(heap.recover(id));
  const survived = await survivor.done;
  const check = thrownBy(() => heap.check());
  const ptr = heap.alloc(1000);
  heap.free(ptr);
  const live = liveBlocks(heap).length;
  const faults = consume(heap, mine);
  return {
    id,
    blocked,
    dying,
    report,
    check,
    survived,
    ptr,
    live,
    faults,
    left: liveBlocks(heap).length,
    lastCheck: thrownBy(() => heap.check()),
  };
}

/** Stops for ever inside an `alloc`: the block is made, and nobody has it yet. */
export function stuckRole({ descriptor, stack }: Joining, { say }: Surroundings) {
  let isArmed = false;
  const real = hyperheap();
  const create: typeof real.create = (ctx) => {
    const { allocator, ...rest } = real.create(ctx);
    const alloc: typeof allocator.alloc = (...request) => {
      const ptr = allocator.alloc(...request);
      if (isArmed) {
        say(heap.agent);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      }
      return ptr;
    };
    return { ...rest, allocator: { ...allocator, alloc } };
  };
  const heap = attachHeap(descriptor, stackOf(stack, { ...real, create }));
  isArmed = true;
  heap.alloc(500);
}

export function survivorRole({ descriptor, stack }: Joining) {
  const heap = attachHeap(descriptor, stackOf(stack));
  const ptr = heap.alloc(100);
  heap.free(ptr);
  return ptr !== 0;
}

/** Victims are told to end one after the other, while those that come after them still work. */
export async function deaths({ stack, count }: { stack: StackName; count: number }) {
  const lock = atomicsLock({ timeoutMs: 100 });
  const heap = createHeap({ memory: new SharedArrayBuffer(2 << 20), lock, ...stackOf(stack) });
  const mine = parcels(heap, 0, 20);
  const below = dice(7);
  const reports: ReturnType<typeof plain>[] = [];
  const checks = new Set<string>();
  let faults = 0;

  async function recover(id: number): Promise<void> {
    for (const deadline = Date.now() + 20_000; ; ) {
      try {
        reports.push(plain(heap.recover(id)));
        break;
      } catch (error) {
        // Another one has ended inside, and is to be recovered first.
        if (!isHeapError(error, "ERR_LOCK_TIMEOUT") || Date.now() > deadline) throw error;
        await pause(1);
      }
    }
    faults += mine.filter((parcel) => !isWhole(heap, parcel)).length;
  }

  /** How far each has come; `ends` is what it was when that one was said to have ended. */
  const steps = new Int32Array(new SharedArrayBuffer(4 * count));
  const [told, ends]: number[][] = [[], []];
  const recovered: Promise<void>[] = [];
  for (let death = 0; death < count; death++) {
    const victim = start("victim", {
      descriptor: heap.descriptor(),
      stack,
      steps: steps.subarray(death, death + 1),
    });
    const id = await victim.next<number>();
    await pause(below(12));
    const end = victim.end();
    told[death] = Atomics.load(steps, death);
    recovered.push(
      end.then(() => {
        ends[death] = Atomics.load(steps, death);
        return recover(id);
      }),
    );
  }
  await Promise.all(recovered);
  checks.add(thrownBy(() => heap.check()));
  faults += consume(heap, mine);
  // What the dead had been given is nobody's now.
  const orphans = liveBlocks(heap);
  for (const ptr of orphans) heap.free(ptr);
  checks.add(thrownBy(() => heap.check()));
  const ranOn = told.filter((step, death) => step !== ends[death]).length;
  const ranAfterTheEnd = ends.filter((step, death) => step !== steps[death]).length;
  const found = { ranOn, ranAfterTheEnd, orphans: orphans.length };
  return { ...found, reports, faults, checks: [...checks], left: liveBlocks(heap).length };
}

export interface VictimData extends Joining {
  readonly steps: Int32Array;
}

/** Works until it is terminated. */
export function victimRole({ descriptor, stack, steps }: VictimData, { say }: Surroundings): void {
  const heap: Heap = attachHeap(descriptor, stackOf(stack));
  const below = dice(heap.agent);
  const live: number[] = [];
  say(heap.agent);
  for (;;) {
    Atomics.add(steps, 0, 1);
    const size = 1 + below(2000);
    const at = below(live.length + 1);
    const ptr = live[at];
    // Without anything in between: it is to be inside when it ends.
    if (ptr === undefined || (live.length < 30 && below(100) < 55)) {
      const made = heap.allocUnsafe(size, below(20) === 0 ? 64 : 16);
      if (made !== 0) live.push(made);
    } else if (below(3) === 0) {
      const moved = heap.reallocUnsafe(ptr, size);
      if (moved !== 0) live[at] = moved;
    } else {
      heap.free(ptr);
      live.splice(at, 1);
    }
  }
}
