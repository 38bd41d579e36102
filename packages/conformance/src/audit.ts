/** What is verified on the whole heap, at intervals: everything that looks at more than the block just touched. */
import type { Block } from "@heapwright/core";
import { broken, describeError, hex } from "./promises.js";
import { describeBlock, type LiveBlock } from "./shadow.js";
import type { GuestPages, Trial } from "./trial.js";
import { firstWrong } from "./views.js";

/**
 * The heap's own opinion: `check()` and the byte counts.
 * @throws ConformanceError `consistent`, `counted`.
 */
export function check(trial: Trial): void {
  const { subject } = trial;
  trial.report.checks++;
  try {
    subject.check?.();
  } catch (error) {
    throw broken("consistent", `check() threw ${describeError(error)}`, error);
  }
  const totals = subject.totals?.();
  if (totals === undefined) return;
  const { capacity, used, free, quarantined, overhead, page, pageFree } = totals;
  const sum = used + free + quarantined + overhead + page + pageFree;
  const all = JSON.stringify(totals);
  if (sum !== capacity) throw broken("counted", `the parts add up to ${sum}: ${all}`);
  if (!Object.values(totals).every((count) => Number.isInteger(count) && count >= 0)) {
    throw broken("counted", `a count is no number of bytes: ${all}`);
  }
  const { area } = subject.region();
  const bytes = area.end - area.start;
  if (capacity !== bytes) throw broken("counted", `the capacity is ${capacity}, the area has ${bytes} bytes`);
}

/**
 * The shadow model's opinion: every live block's size and content, the guests' pages, and `blocks()`.
 * @throws ConformanceError `steady`, `intact`, `guest`, `listed`, `owned`.
 */
export function audit(trial: Trial): void {
  trial.views.refresh();
  trial.report.audits++;
  trial.shadow.forEach((block) => {
    trial.verify(block);
  });
  for (const guest of trial.guests) verifyGuest(trial, guest);
  verifyListing(trial);
  verifyOwns(trial);
}

function verifyGuest(trial: Trial, guest: GuestPages): void {
  const wrong = firstWrong(trial.views, guest.start, 0, guest.end - guest.start, guest.seed);
  if (wrong < 0) return;
  throw broken(
    "guest",
    `the byte at ${hex(guest.start + wrong)}, in pages somebody else added, was overwritten`,
  );
}

function verifyOwns(trial: Trial): void {
  const { subject } = trial;
  if (subject.owns === undefined) return;
  const { region } = subject.region();
  for (const address of [region.start - 16, region.end, 2 ** 32 - 16]) {
    if (address > 0 && subject.owns(address))
      throw broken("owned", `owns(${hex(address)}) is true outside the region`);
  }
}

/** Walks `blocks()` and the shadow side by side; both are in address order. */
function verifyListing(trial: Trial): void {
  const { subject } = trial;
  if (subject.blocks === undefined) return;
  const { area } = subject.region();
  const live = trial.shadow[Symbol.iterator]();
  let expected = live.next();
  let end = area.start;
  for (const block of subject.blocks()) {
    const where = `blocks() lists ${block.state} [${hex(block.ptr)}, ${hex(block.ptr + block.usable)})`;
    if (block.ptr < end) throw broken("listed", `${where} after one that ends at ${hex(end)}`);
    end = block.ptr + block.usable;
    if (end > area.end) throw broken("listed", `${where}, past the area's end ${hex(area.end)}`);
    if (expected.done !== true && expected.value.ptr < block.ptr) throw missing(expected.value, block);
    if (expected.done !== true && expected.value.ptr === block.ptr) {
      verifyListed(expected.value, block, where);
      expected = live.next();
    } else if (block.state !== "free" && block.state !== "quarantined" && !trial.baseline.has(block.ptr)) {
      throw broken("listed", `${where}, which is not alive`);
    }
  }
  if (expected.done !== true) throw missing(expected.value, undefined);
}

function verifyListed(block: LiveBlock, listed: Block, where: string): void {
  if (listed.state !== "used" && listed.state !== "page") {
    throw broken("listed", `${where}, where ${describeBlock(block)} is alive`);
  }
  const { usable, size, tag } = listed;
  if (usable !== block.usable) throw broken("listed", `${where}, but usableSize is ${block.usable}`);
  if (size !== block.size && size !== usable) {
    throw broken("listed", `${where} with size ${size}; ${block.size} bytes were asked for`);
  }
  if (tag !== block.tag && tag !== 0) {
    throw broken("listed", `${where} with tag ${tag}; the block was given ${block.tag}`);
  }
}

function missing(block: LiveBlock, next: Block | undefined): Error {
  const after = next === undefined ? "its end" : `${next.state} ${hex(next.ptr)}`;
  return broken("listed", `${describeBlock(block)} is alive, but blocks() goes past it to ${after}`);
}
