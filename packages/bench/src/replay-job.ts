/** The worker's side of the main job: one allocator, one trace. Loading includes the checked replay, if one is asked for. */

import { messageOf } from "./errors.js";
import { clockReplays } from "./latency/clocked.js";
import { rounds, warmUp } from "./measure.js";
import { CannotRun, type Failure, type Job, type ReplaySpec } from "./protocol.js";
import { prepare, replay, settle } from "./replay.js";
import { OutOfMemory, type TargetModule } from "./targets/target.js";
import { REALLOC, type Trace } from "./trace.js";
import { describeTrace, type TraceStats } from "./trace-stats.js";
import { openTrace } from "./traces.js";
import { TooSlow, verifyReplay, WrongAnswer } from "./verify.js";

/** Memory every allocator gets unless the trace needs more. */
const REGION_BYTES = 64 << 20;
/** Pointers stay below 2^31, so that the replay's slots are small integers. */
const MAX_REGION_BYTES = 2 ** 31 - 65536;

/**
 * The region: four times the peak of live bytes at least, and the room a target wants for each block; all that is ever asked
 * for where nothing is reused.
 */
export function regionBytes(module: TargetModule, stats: TraceStats): number {
  const wanted =
    module.reuses === false
      ? stats.requestedBytes + stats.requests * Math.max(32, stats.maxAlign)
      : 4 * stats.peakLiveBytes + (module.blockRoom ?? 0) * stats.maxLiveBlocks;
  return Math.min(Math.max(REGION_BYTES, Math.ceil(wanted / 65536) * 65536), MAX_REGION_BYTES);
}

/** Why this allocator cannot run this trace at all; undefined if it can. */
export function whyNot(module: TargetModule, trace: Trace, stats: TraceStats): string | undefined {
  if (stats.maxAlign > module.alignment && stats.maxAlign > module.maxAlign) return "no memalign";
  if (module.hasRealloc === false && trace.ops.includes(REALLOC)) return "no realloc";
  return undefined;
}

/** Whether a call failed because there was no memory. A RangeError is what ArrayBuffer throws when it is to be too large. */
export function isExhausted(error: unknown, module: TargetModule | undefined): boolean {
  return (
    error instanceof OutOfMemory || error instanceof RangeError || module?.isExhaustion?.(error) === true
  );
}

/** The failure in words for a cell, and in full. */
export function describeFailure(error: unknown, module: TargetModule | undefined, limitMs: number): Failure {
  const detail = messageOf(error);
  if (error instanceof CannotRun) return { reason: detail, detail };
  if (error instanceof TooSlow) return { reason: `too slow (>${limitMs / 1000} s)`, detail };
  if (error instanceof WrongAnswer) return { reason: "wrong", detail };
  return { reason: isExhausted(error, module) ? "out of memory" : "failed", detail };
}

export async function replayJob(spec: ReplaySpec, module: TargetModule): Promise<Job> {
  const trace = await openTrace({ path: spec.trace });
  const stats = describeTrace(trace);
  const reason = whyNot(module, trace, stats);
  if (reason !== undefined) throw new CannotRun(reason);

  const target = await module.create(regionBytes(module, stats));
  const program = prepare(trace, module.alignment);
  const slots = new Int32Array(program.slots);
  let estimateMs = 0;
  if (spec.check) {
    estimateMs = verifyReplay(program, target, slots, {
      alignment: module.alignment,
      limitMs: spec.limitMs,
    });
    settle(target, slots);
  }

  const round = rounds({
    operations: program.length,
    run: () => replay(program, target, slots),
    restore: () => settle(target, slots),
  });
  return {
    loaded: { estimateMs },
    warm: (ms, capMs) => warmUp(round, ms, capMs),
    round: (ms) => ({ replay: round(ms) }),
    clock: (replays) => clockReplays(program, target, slots, replays),
  };
}
