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
import { clearJournal, journalAt, readJournal } from "./journal.js";
import type { Interrupted, Operation, Ptr } from "./types.js";

/** What was found of an agent that has ended, and done about it. */
export interface RecoveryReport {
  /** The agent that has ended. */
  readonly agent: number;
  /** It ended inside: it held the lock or, with a front, was in the midst of a call. */
  readonly held: boolean;
  /** What it was doing; `"none"` if nothing. */
  readonly operation: Operation;
  /** The block it was asked for, size and tag as asked for; 0 each if the call has none, as with `"none"`. */
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
  const at = journalAt(region.base);
  if (assembly.gates !== undefined) {
    if (held) settle(assembly, agent, at);
    return recoverBehindGates(assembly, agent, held, recoverAll, check);
  }
  if (!held) lock?.enter();
  try {
    // Without a lock nobody says what was handed out.
    const interrupted = { ...readJournal(memory, region.base, at), ...(lock === undefined && { made: 0 }) };
    recoverAll(interrupted);
    clearJournal(memory, at);
    return reportOf(agent, held, interrupted, check);
  } finally {
    lock?.leave();
  }
}

/**
 * For who has waited in vain, and was told that it is for ever: recovers the heap as far as can be from where the caller is.
 *
 * @param inside It waits for the lock in the midst of a call of its own: behind gates only what the dead agent asked of the strategy can be
 * brought to an end then. The rest comes when somebody waits for its gate.
 */
export function recoverEnded(assembly: Assembly, agent: number, inside: boolean, check: () => void): void {
  const { region, lock, gates } = assembly;
  if (gates === undefined || !inside) {
    const report = recover(assembly, agent, check);
    lock?.onRecovered?.(report);
  } else if (lock?.takeOver?.(agent) === true) settle(assembly, agent, journalAt(region.base));
}

/**
 * The dead agent held the lock, which is ours now: what it asked of the strategy comes to an end first, since others who are inside their gates
 * may wait for the lock, and come out no sooner.
 */
function settle({ memory, region, lock, gates, front }: Assembly, agent: number, at: number): void {
  try {
    const shard = gates?.shardOf(agent) ?? -1;
    front?.settle?.(shard, readJournal(memory, region.base, at));
    clearJournal(memory, at);
  } finally {
    lock?.leave();
  }
}

function recoverBehindGates(
  { memory, region, lock, gates }: Assembly,
  agent: number,
  held: boolean,
  recoverAll: (interrupted: Interrupted) => void,
  check: () => void,
): RecoveryReport {
  gates?.stop(agent);
  try {
    lock?.enter();
    try {
      const shard = gates?.shardOf(agent) ?? -1;
      const nothing: Interrupted = {
        operation: "none",
        ptr: 0,
        size: 0,
        tag: 0,
        made: 0,
        shard,
      };
      const interrupted =
        gates === undefined || shard < 0
          ? nothing
          : { ...readJournal(memory, region.base, gates.journal(shard)), shard };
      recoverAll(interrupted);
      if (shard >= 0) gates?.release(shard);
      return reportOf(agent, held || interrupted.operation !== "none", interrupted, check);
    } finally {
      lock?.leave();
    }
  } finally {
    gates?.resume();
  }
}

function reportOf(agent: number, held: boolean, interrupted: Interrupted, check: () => void): RecoveryReport {
  const { operation, ptr, size, tag } = interrupted;
  return { agent, held, operation, ptr, size, tag, errors: findings(check) };
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
