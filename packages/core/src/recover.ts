/**
 * `heap.recover(agent)`: another agent has ended, perhaps in the middle of something. Nothing it had committed is lost, nothing it had not
 * is there, and whatever belongs to anybody else is as it was.
 *
 *     lock        taken over if the dead agent holds it; its late release would be refused
 *     strategy    everything derived is made anew from what was committed; a block handed out to nobody is ended
 *     plugins     from the innermost to the outermost, the same
 *     check       of everything; what it finds is in the report
 */
import type { Assembly } from "./assemble.js";
import { type HeapError, isHeapError, isUint32, show } from "./errors.js";
import { HEADER } from "./header.js";
import { clearJournal, readJournal } from "./journal.js";
import type { Operation, Ptr } from "./types.js";

/** What was found of an agent that has ended, and done about it. */
export interface RecoveryReport {
  /** The agent that has ended. */
  readonly agent: number;
  /** It held the lock, and so ended inside. */
  readonly held: boolean;
  /** What it was doing; `"none"` if nothing. */
  readonly operation: Operation;
  /** The block it was asked for, 0 if none; size and tag as asked for. */
  readonly ptr: Ptr;
  readonly size: number;
  readonly tag: number;
  /** What `check()` found afterwards; empty if all is well. */
  readonly errors: readonly HeapError[];
}

export function recover(assembly: Assembly, agent: number, check: () => void): RecoveryReport {
  const { memory, region, lock, allocator, error, sync } = assembly;
  sync();
  const given = memory.u32[(region.base + HEADER.agents) >>> 2] as number;
  if (!isUint32(agent) || agent === 0 || agent > given || agent === assembly.agent) {
    throw error(
      "ERR_INVALID_OPTION",
      `recover: ${show(agent)} is not another agent of this heap, which has ${given}`,
    );
  }
  const { recover: recoverAll } = allocator;
  if (recoverAll === undefined) throw error("ERR_UNSUPPORTED", "this stack cannot be recovered");
  const held = lock?.takeOver?.(agent) ?? false;
  if (!held) lock?.enter();
  try {
    const { operation, ptr, size, tag, handedOut } = readJournal(memory, region.base);
    recoverAll({ operation, ptr, size, tag, handedOut });
    clearJournal(memory, region.base);
    return { agent, held, operation, ptr, size, tag, errors: findings(check) };
  } finally {
    lock?.leave();
  }
}

function findings(check: () => void): HeapError[] {
  try {
    check();
    return [];
  } catch (found) {
    if (!isHeapError(found)) throw found;
    return found.errors === undefined ? [found] : [...(found.errors as readonly HeapError[])];
  }
}
