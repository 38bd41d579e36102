/**
 * `trace({ operations, … })`: what an app asks of its heap, recorded so that every allocator can be asked the same.
 *
 *     heap.alloc(100) ─► trace ─► limit, stats, fence … ─► strategy
 *                        │
 *                        ├─► one word in the heap: the stamp, which puts the calls of all agents in one order
 *                        └─► this agent's log, outside of the heap: |kind|address|size|stamp| for each call
 *
 *     log of agent 1 ─ take() ─┐
 *     log of agent 2 ─ take() ─┴► mergeTraces ─► Trace ─► packTrace ─► file ─► heapwright-bench run --trace file
 *
 * The logs are outside of the heap because they are larger than most heaps are. What that costs: the log of an agent that dies is gone, and what
 * it did is in nobody's; blocks that only it saw end are ended where their address is given out again.
 *
 * Price: 16 bytes a call, 4 bytes in the heap; for time see the README. Needs no lock, and may stand above it.
 */
import type { Plugin } from "@heapwright/core";
import { createApi, type TraceApi } from "./api.js";
import { settle, type TraceOptions } from "./options.js";
import { createRecorder } from "./recorder.js";

/**
 * Records every call of this agent that makes, resizes or frees a block. Add it to `plugins`; `heap.trace` is its API.
 *
 * @throws RangeError (`code`: `ERR_INVALID_OPTION`) for an option out of range.
 */
export function trace(options: TraceOptions = {}): Plugin<"trace", TraceApi> {
  const settled = settle(options);
  return {
    abi: 1,
    name: "trace",
    version: 1,
    phase: "trace",
    concurrent: true,
    stateBytes: 4,
    create(inner, ctx) {
      const recorder = createRecorder(inner, ctx, settled);
      if (settled.start) recorder.start();
      return { allocator: recorder.allocator, api: createApi(recorder) };
    },
  };
}
