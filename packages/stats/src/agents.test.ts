/** Two workers allocate under 64 tags while this thread samples: no figure is ever torn or negative, and in the end all are exact. */
import { Worker } from "node:worker_threads";
import { createHeap, defineStack } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { strict } from "@heapwright/strict";
import { afterEach, describe, expect, it } from "vitest";
import { operations } from "../../../testing/soak.js";
import type { Counters } from "./figures.js";

const OPERATIONS = operations(200_000);
const TAGS = 64;

// Workers run the built packages: `pnpm test` builds before it tests. Half of the names each makes first; every size is a multiple of 24
// and its taken size follows from it, so that a figure that mixes two moments shows.
const WORKER = `
  const { workerData, parentPort } = require("node:worker_threads");
  (async () => {
    const { attachHeap, defineStack } = await import(workerData.core);
    const { hyperheap } = await import(workerData.hyperheap);
    const { stats } = await import(workerData.stats);
    const { strict } = await import(workerData.strict);
    const plugins = [stats({ sizeClasses: true, shortLived: 50 }), workerData.strict_ && strict({ stacks: "off" })];
    const heap = attachHeap(workerData.descriptor, defineStack({ strategy: hyperheap(), plugins }));
    const tags = [];
    for (let each = 0; each < workerData.tags; each++) {
      const index = (each + workerData.first) % workerData.tags;
      tags[index] = heap.stats.tag("tag " + index);
    }
    Atomics.add(workerData.gate, 0, 1);
    while (Atomics.load(workerData.gate, 0) < 2);
    const sums = Array.from({ length: workerData.tags }, () => [0, 0, 0, 0]);
    const live = [];
    let seed = workerData.first + 1;
    const below = (limit) => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return Math.floor((seed / 2 ** 32) * limit); };
    for (let step = 0; step < workerData.operations; step++) {
      if (live.length < 100 && below(100) < 55) {
        const index = below(workerData.tags);
        const size = 24 * (1 + below(40));
        const ptr = heap.allocUnsafe(size, 16, tags[index]);
        if (ptr === 0) sums[index][3]++;
        else { live.push([ptr, index, size]); sums[index][0]++; sums[index][2] += size; }
      } else if (live.length > 0) {
        const [[ptr, index]] = live.splice(below(live.length), 1);
        heap.free(ptr);
        sums[index][1]++;
      }
    }
    const left = live.map(([, index, size]) => [index, size]);
    parentPort.postMessage({ sums, left });
    heap.detach();
  })().catch((error) => parentPort.postMessage({ error: String(error && error.stack) }));`;

interface Message {
  /** By tag: allocations, frees, bytes ever allocated, failures. */
  readonly sums: readonly (readonly [number, number, number, number])[];
  /** Tag and size of each block that still lives. */
  readonly left: readonly (readonly [number, number])[];
  readonly error?: string;
}

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

function start(data: object): Promise<Message> {
  const dist = (name: string): string => new URL(`../../${name}/dist/index.js`, import.meta.url).href;
  const files = {
    core: dist("core"),
    hyperheap: dist("hyperheap"),
    stats: dist("stats"),
    strict: dist("strict"),
  };
  const worker = new Worker(WORKER, { eval: true, workerData: { ...data, ...files } });
  workers.push(worker);
  return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
}

/** Throws for what no moment can have. */
function possible(what: string, figures: Counters): void {
  const { currentBytes, peakBytes, allocatedBytes, freedBytes, allocations, frees, liveBlocks } = figures;
  const { takenCurrentBytes, takenPeakBytes, takenAllocatedBytes, takenFreedBytes, shortLived = 0 } = figures;
  const classes = figures.sizeClasses ?? [];
  const holds = {
    "integers from 0 on": Object.values(figures).every(
      (value) => typeof value !== "number" || (value >= 0 && (Number.isInteger(value) || value < 1)),
    ),
    "bytes are of whole blocks":
      currentBytes % 24 === 0 && allocatedBytes % 24 === 0 && freedBytes % 24 === 0,
    "bytes add up": allocatedBytes - freedBytes === currentBytes && currentBytes <= peakBytes,
    "taken bytes add up":
      takenAllocatedBytes - takenFreedBytes === takenCurrentBytes && takenCurrentBytes <= takenPeakBytes,
    "taken bytes are of whole chunks": takenCurrentBytes % 16 === 0 && takenCurrentBytes >= currentBytes,
    "blocks add up": allocations - frees === liveBlocks,
    "no bytes without blocks": liveBlocks > 0 === currentBytes > 0 && currentBytes <= liveBlocks * 960,
    "classes add up": classes.reduce((sum, each) => sum + each.liveBlocks, 0) === liveBlocks,
    "classes add up in all": classes.reduce((sum, each) => sum + each.allocations, 0) === allocations,
    "the young were freed": shortLived <= frees,
  };
  for (const [name, ok] of Object.entries(holds))
    if (!ok) throw new Error(`${what}: ${name}: ${JSON.stringify(figures)}`);
}

describe.each([
  ["stats", false],
  ["stats and strict", true],
])("two workers under 64 tags, with %s", (_name, withStrict) => {
  it(`${OPERATIONS} operations each, sampled meanwhile`, async () => {
    const plugins = [stats({ sizeClasses: true, shortLived: 50 }), withStrict && strict({ stacks: "off" })];
    const heap = createHeap({
      memory: new SharedArrayBuffer(4 << 20),
      ...defineStack({ strategy: hyperheap(), plugins }),
    });
    const api = heap.stats as NonNullable<typeof heap.stats>;
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const operations = withStrict ? Math.round(OPERATIONS / 4) : OPERATIONS;
    const data = { descriptor: heap.descriptor(), gate, tags: TAGS, operations, strict_: withStrict };
    let done = false;
    const both = Promise.all([start({ ...data, first: 0 }), start({ ...data, first: 32 })]).finally(() => {
      done = true;
    });
    let samples = 0;
    let latest = 0;
    let moved = 0;
    const before = new Map<number, Counters>();
    while (!done) {
      const { totals, tags } = api.toJSON();
      possible("totals", totals);
      let bytes = 0;
      let blocks = 0;
      for (const figures of tags) {
        possible(figures.name, figures);
        bytes += figures.currentBytes;
        blocks += figures.allocations;
        const earlier = before.get(figures.tag);
        if (
          earlier !== undefined &&
          (earlier.allocations > figures.allocations || earlier.peakBytes > figures.peakBytes)
        )
          throw new Error(`${figures.name} went back`);
        before.set(figures.tag, figures);
      }
      // One moment's, all of them.
      expect([bytes, blocks]).toEqual([totals.currentBytes, totals.allocations]);
      const one = api.get("tag 7");
      if (one !== undefined) possible("tag 7", one);
      if (totals.allocations > latest) moved++;
      latest = totals.allocations;
      samples++;
      if (samples % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const found = await both;
    for (const { error } of found) expect(error).toBeUndefined();
    expect(moved).toBeGreaterThan(3);
    for (let index = 0; index < TAGS; index++) {
      const [one, two] = found.map(({ sums }) => sums[index] as Message["sums"][number]);
      const left = found.flatMap((message) => message.left.filter(([tag]) => tag === index));
      const [allocations, frees, bytes, failures] = [0, 1, 2, 3].map(
        (each) => (one?.[each] as number) + (two?.[each] as number),
      );
      expect(api.get(`tag ${index}`)).toMatchObject({
        allocations,
        frees,
        failures,
        allocatedBytes: bytes,
        currentBytes: left.reduce((sum, [, size]) => sum + size, 0),
        liveBlocks: left.length,
      });
    }
    heap.check();
  });
});
