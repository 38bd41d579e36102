/** Blocks through channels: the main thread sends and receives promises, the workers sleep. */
import { attachHeap, channel, createHeap, type HeapDescriptor } from "@heapwright/core";
import { start } from "../agents.js";
import { fill, isWhole } from "../pattern.js";
import { liveBlocks, rejectedBy, type StackName, stackOf, thrownBy } from "../stacks.js";

export interface PassingOptions {
  readonly stack: StackName;
  readonly workers: number;
  readonly blocks: number;
  readonly slots: number;
}

const sizeOf = (number: number): number => 1 + ((number * 13) % 200);

export async function passing({ stack, workers, blocks, slots }: PassingOptions) {
  const heap = createHeap({ memory: new SharedArrayBuffer(2 << 20), ...stackOf(stack) });
  const [jobs, results] = [channel(heap, { slots }), channel(heap, { slots })];
  const spare = heap.alloc(8);
  const sleeping = [thrownBy(() => jobs.receive()), thrownBy(() => results.receive({ timeoutMs: 5 }))];
  for (let number = 0; number < jobs.slots; number++) jobs.trySend(spare, 8);
  sleeping.push(thrownBy(() => jobs.send(spare, 8)));
  for (let number = 0; number < jobs.slots; number++) jobs.tryReceive();
  sleeping.push(await rejectedBy(jobs.receiveAsync({ timeoutMs: 5 })));
  heap.free(spare);

  const data = { descriptor: heap.descriptor(), stack, jobs: jobs.at, results: results.at };
  const agents = Array.from({ length: workers }, () => start("passing", data));
  const received = new Array<number>(blocks).fill(0);
  let faults = 0;
  let disorder = 0;

  async function submit(): Promise<void> {
    for (let number = 0; number < blocks; number++) {
      const parcel = { ptr: heap.allocUnsafe(sizeOf(number)), size: sizeOf(number), by: number & 255 };
      fill(heap, parcel);
      await jobs.sendAsync(parcel.ptr, parcel.size, number);
    }
    jobs.close();
  }

  async function collect(): Promise<void> {
    const last: Record<number, number> = {};
    for await (const { ptr, length, tag, from } of results) {
      if (length !== sizeOf(tag) || !isWhole(heap, { ptr, size: length, by: (tag + 1) & 255 })) faults++;
      if (tag <= (last[from] ?? -1)) disorder++;
      last[from] = tag;
      received[tag] = (received[tag] as number) + 1;
      heap.free(ptr);
    }
  }

  const collected = collect();
  await submit();
  const done = await Promise.all(agents.map((agent) => agent.done));
  results.close();
  await collected;
  const late = thrownBy(() => jobs.trySend(heap.alloc(8), 8));
  return {
    sleeping,
    handled: done.map(({ count }) => count),
    workerFaults: done.reduce((sum, agent) => sum + agent.faults, 0),
    faults,
    disorder,
    once: received.filter((times) => times === 1).length,
    late,
    counts: [jobs.count, results.count],
    /** The two channels, and what could not be sent. */
    left: liveBlocks(heap).length,
    check: thrownBy(() => heap.check()),
  };
}

export interface PassingData {
  readonly descriptor: HeapDescriptor;
  readonly stack: StackName;
  readonly jobs: number;
  readonly results: number;
}

/** Asleep until there is a job; writes it anew and passes it on, asleep until there is room. */
export function passingRole({ descriptor, stack, jobs, results }: PassingData) {
  const heap = attachHeap(descriptor, stackOf(stack));
  const [from, to] = [channel(heap, { at: jobs }), channel(heap, { at: results })];
  let [count, faults] = [0, 0];
  for (let job = from.receive(); job !== undefined; job = from.receive()) {
    const parcel = { ptr: job.ptr, size: job.length, by: job.tag & 255 };
    if (!isWhole(heap, parcel)) faults++;
    fill(heap, { ...parcel, by: (job.tag + 1) & 255 });
    to.send(job.ptr, job.length, job.tag);
    count++;
  }
  heap.detach();
  return { count, faults };
}
