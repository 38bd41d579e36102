/** An app that was recorded under one strategy asks every allocator of the bench for the same, call by call and byte by byte. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHeap, limit } from "@heapwright/core";
import { stats } from "@heapwright/stats";
import { strict } from "@heapwright/strict";
import { tlsf } from "@heapwright/tlsf";
import { trace } from "@heapwright/trace";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prepare, replay, settle } from "./replay.js";
import { regionBytes, whyNot } from "./replay-job.js";
import { loadTarget, targetNames } from "./targets/index.js";
import type { Target } from "./targets/target.js";
import { Account, APPS } from "./test-apps.js";
import { readTrace, type Trace } from "./trace.js";
import { describeTrace } from "./trace-stats.js";
import { verifyReplay } from "./verify.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bench-round-trip-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** With others in the stack, in front of and behind it, which change nothing of what is recorded. */
const STACKS = {
  alone: () => [trace()],
  "stats and strict behind": () => [trace(), stats(), strict({ stacks: "off" })],
  "limit and strict in front": () => [
    strict({ stacks: "off" }),
    limit({ bytes: 2 ** 31 }),
    trace({ clock: 64 }),
  ],
} as const;

async function record(app: keyof typeof APPS, stack: keyof typeof STACKS) {
  const heap = createHeap({ memory: 16 << 20, strategy: tlsf(), plugins: STACKS[stack]() });
  const account = new Account(heap);
  APPS[app](account);
  const path = join(folder, `${app}.trace.gz`);
  writeFileSync(path, (await heap.trace?.toBytes()) ?? "");
  return { account, recorded: await readTrace(path) };
}

/** Counts what the allocator is asked for, and the bytes that live; a memalign for what every block has is a malloc to it. */
function counted(target: Target) {
  const counts = { malloc: 0, calloc: 0, memalign: 0, realloc: 0, free: 0 };
  const sizes = new Map<number, number>();
  const bytes = { live: 0, peak: 0 };
  const made = (ptr: number, size: number): number => {
    sizes.set(ptr, size);
    bytes.live += size;
    bytes.peak = Math.max(bytes.peak, bytes.live);
    return ptr;
  };
  const ended = (ptr: number): void => {
    bytes.live -= sizes.get(ptr) ?? Number.NaN;
    sizes.delete(ptr);
  };
  const counting: Target = {
    ...target,
    malloc: (size) => {
      counts.malloc++;
      return made(target.malloc(size), size);
    },
    calloc: (size) => {
      counts.calloc++;
      return made(target.calloc(size), size);
    },
    memalign: (align, size) => {
      counts.memalign++;
      return made(target.memalign(align, size), size);
    },
    realloc: (ptr, size) => {
      counts.realloc++;
      const moved = target.realloc(ptr, size);
      ended(ptr);
      return made(moved, size);
    },
    free: (ptr) => {
      counts.free++;
      target.free(ptr);
      ended(ptr);
    },
  };
  return { counting, counts, bytes };
}

async function replayed(name: string, recorded: Trace) {
  const module = await loadTarget(name);
  const about = describeTrace(recorded);
  const reason = whyNot(module, recorded, about);
  if (reason !== undefined) return reason;
  const target = await module.create(regionBytes(module, about));
  const program = prepare(recorded, module.alignment);
  const slots = new Int32Array(program.slots);
  verifyReplay(program, target, slots, { alignment: module.alignment, limitMs: 60_000 });
  settle(target, slots);
  const { counting, counts, bytes } = counted(target);
  replay(program, counting, slots);
  return { ...counts, peakBytes: bytes.peak };
}

describe.each(Object.keys(APPS) as (keyof typeof APPS)[])("%s", (app) => {
  it.each(Object.keys(STACKS) as (keyof typeof STACKS)[])("is recorded as it was, %s", async (stack) => {
    const { account, recorded } = await record(app, stack);
    const { counts, peakBytes } = account;
    const sum = Object.values(counts).reduce((so, each) => so + each, 0);
    expect(sum).toBeGreaterThan(5000);
    expect(Math.min(counts.malloc, counts.realloc, counts.free)).toBeGreaterThan(10);
    expect(recorded.length).toBe(sum);
    expect(describeTrace(recorded)).toMatchObject({ operations: sum, peakLiveBytes: peakBytes });
    expect(recorded.times !== undefined).toBe(stack === "limit and strict in front");
  });

  it.each([...targetNames, "arena"])("asks %s for the same", async (name) => {
    const { account, recorded } = await record(app, "alone");
    const found = await replayed(name, recorded);
    const cannotAlign = account.counts.memalign > 0 && ["as-tlsf", "thi.ng"].includes(name);
    expect(found).toEqual(cannotAlign ? "no memalign" : { ...account.counts, peakBytes: account.peakBytes });
  });
});
