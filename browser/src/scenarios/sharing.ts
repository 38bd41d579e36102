/** One heap made on the main thread, its descriptor posted to workers, and blocks that go both ways. */
import { attachHeap, createHeap, type Heap, type HeapDescriptor } from "@heapwright/core";
import type { StatsApi } from "@heapwright/stats";
import { start } from "../agents.js";
import { consume, type Parcel, parcels } from "../pattern.js";
import { liveBlocks, type StackName, stackOf, thrownBy } from "../stacks.js";
import type { Surroundings } from "../surroundings.js";

const EACH = 40;

/** What an agent sees of the whole heap. */
function figures(heap: Heap & { readonly stats?: StatsApi | undefined }) {
  const { usedBytes, freeBytes, quarantinedBytes, overheadBytes, pageBytes, pageFreeBytes, capacity } = heap;
  const { currentBytes, liveBlocks: live, allocations, frees } = heap.stats?.totals() ?? {};
  return {
    usedBytes,
    sum: usedBytes + freeBytes + quarantinedBytes + overheadBytes + pageBytes + pageFreeBytes,
    capacity,
    live: liveBlocks(heap),
    stats: heap.stats && { currentBytes, liveBlocks: live, allocations, frees },
  };
}

export async function sharing({ stack, workers }: { stack: StackName; workers: number }) {
  const memory = new SharedArrayBuffer(1 << 20);
  const heap = createHeap({ memory, name: "scene", ...stackOf(stack) });
  const alone = heap.alloc(100);
  heap.free(alone);
  const agents = Array.from({ length: workers }, (_, index) =>
    start("sharing", { descriptor: heap.descriptor(), stack, by: index + 1 }),
  );
  const ids: { agent: number; name: string }[] = [];
  for (const agent of agents) ids.push(await agent.next());

  // To the workers, which free what they get, and back again.
  for (const agent of agents) agent.post(parcels(heap, 0, EACH, heap.stats?.tag("main")));
  const made: Parcel[][] = [];
  for (const agent of agents) made.push(await agent.next());
  const meanwhile = figures(heap);
  const seen: (typeof meanwhile)[] = [];
  for (const agent of agents) {
    agent.post("figures");
    seen.push(await agent.next());
  }
  // Half of what each has made is freed here, the other half by the worker next to it.
  let faults = 0;
  for (const [index, blocks] of made.entries()) {
    faults += consume(heap, blocks.slice(EACH / 2));
    agents[(index + 1) % workers]?.post(blocks.slice(0, EACH / 2));
  }
  for (const agent of agents) faults += await agent.done;
  const twice = thrownBy(() => heap.free(made[0]?.[0]?.ptr as number));
  return {
    isolated: crossOriginIsolated,
    sleeping: thrownBy(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0)),
    alone,
    ids,
    faults,
    made,
    meanwhile,
    seen,
    twice,
    check: thrownBy(() => heap.check()),
    end: figures(heap),
    entered: heap.contention.entered,
    timedOut: heap.contention.timedOut,
  };
}

export interface SharingData {
  readonly descriptor: HeapDescriptor;
  readonly stack: StackName;
  readonly by: number;
}

export async function sharingRole({ descriptor, stack, by }: SharingData, { say, heard }: Surroundings) {
  const heap = attachHeap(descriptor, stackOf(stack));
  say({ agent: heap.agent, name: heap.name });
  let faults = consume(heap, (await heard()) as Parcel[]);
  say(parcels(heap, by, EACH, heap.stats?.tag(`worker ${by}`)));
  await heard();
  say(figures(heap));
  faults += consume(heap, (await heard()) as Parcel[]);
  heap.detach();
  return faults;
}
