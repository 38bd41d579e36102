/** Copies and other agents: at another base, with blocks of the heap's own, by turns or one alone; what is wrong with them is theirs. */
import { createHeap, restoreHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { expect, test } from "vitest";
import { runAttached, runRestored } from "./copies.js";
import { heapSubject } from "./heap-subject.js";
import type { Subject } from "./subject.js";
import { attachToy, restoreToy } from "./toy/copies.js";
import { toy } from "./toy/heap.js";

const OPTIONS = { operations: 400, seed: 5, run: {} } as const;

test("a copy may be at another base", () => {
  const strategy = hyperheap();
  const restore = (bytes: Uint8Array): Subject =>
    heapSubject(restoreHeap(bytes, { strategy, memory: 1 << 17, base: 8192 }));
  const report = runRestored(() => heapSubject(createHeap({ memory: 65536, strategy })), restore, OPTIONS);
  expect(report.operations).toBe(401);
  expect(Math.min(report.frees, report.allocations)).toBeGreaterThan(50);
});

test("a block that was there before is no block of the run, in the copy either", () => {
  const owned = (): Subject => {
    const subject = toy();
    subject.allocUnsafe(64, 16, 0);
    return subject;
  };
  runRestored(owned, (bytes) => restoreToy(bytes), { ...OPTIONS, run: { reusable: false } });
});

test("what the copy breaks later is found, as the copy's", () => {
  expect(() =>
    runRestored(
      () => toy(),
      (bytes) => restoreToy(bytes, "does not zero"),
      OPTIONS,
    ),
  ).toThrow(
    expect.objectContaining({ promise: "restored", detail: expect.stringContaining("[zeroed] byte +") }),
  );
  expect(() =>
    runAttached(
      () => toy(),
      (from) => attachToy(from, "does not zero"),
      OPTIONS,
    ),
  ).toThrow(
    expect.objectContaining({ promise: "attached", detail: expect.stringContaining("[zeroed] byte +") }),
  );
  // What the original breaks is its own.
  expect(() =>
    runRestored(
      () => toy("does not zero"),
      (bytes) => restoreToy(bytes),
      OPTIONS,
    ),
  ).toThrow(expect.objectContaining({ promise: "zeroed" }));
});

test.each([
  [true, "both agents go on"],
  [false, "only the other one goes on"],
])("with shared: %s, %s", (shared) => {
  let hasJoined = false;
  const counts = [0, 0];
  const counted = (subject: Subject, index: number): Subject => ({
    ...subject,
    ...(subject.capabilities && { capabilities: { ...subject.capabilities, shared } }),
    allocUnsafe(size, align, tag) {
      if (hasJoined) counts[index]++;
      return subject.allocUnsafe(size, align, tag);
    },
  });
  runAttached(
    () => counted(toy(), 0),
    (from) => {
      hasJoined = true;
      return counted(attachToy(from), 1);
    },
    OPTIONS,
  );
  expect(counts[1]).toBeGreaterThan(5);
  if (shared) expect(counts[0]).toBeGreaterThan(5);
  else expect(counts[0]).toBe(0);
});
