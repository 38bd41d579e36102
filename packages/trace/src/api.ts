/** `heap.trace`: of this agent alone; other agents have their own. */
import { packTrace } from "./file.js";
import type { TracePart } from "./log.js";
import { mergeTraces } from "./merge.js";
import type { Recorder } from "./recorder.js";

export interface TraceApi {
  /** Calls are being recorded: it was started and not stopped, and there is room. */
  readonly isRecording: boolean;
  /** Calls recorded since it was started, parts that were taken included. A `reset` and a `release` is one. */
  readonly recorded: number;
  /** Calls that came when there was no room any more: the recording ends before the first of them. 0: it is whole. */
  readonly dropped: number;
  /** Requests that were answered with 0 while recording. They are no operations of a trace. */
  readonly failed: number;
  /** Begins anew: what was recorded and not taken is gone. O(1). */
  start(): void;
  /** Ends the recording; what there is stays until it is taken. O(1). */
  stop(): void;
  /**
   * Hands out what was recorded and goes on: plain data that can be posted to another thread, for {@link mergeTraces}. Taken often enough, a
   * recording has no end. O(calls).
   */
  take(): TracePart;
  /**
   * The file of what was recorded by this agent and not taken, `.trace.gz` where the engine has `CompressionStream`. Changes nothing. O(calls).
   * @throws TraceError (by rejecting) if that is nothing.
   */
  toBytes(): Promise<Uint8Array>;
}

export function createApi(recorder: Recorder): TraceApi {
  const { isRecording, recorded, dropped, failed, start, stop, part } = recorder;
  return {
    get isRecording() {
      return isRecording();
    },
    get recorded() {
      return recorded();
    },
    get dropped() {
      return dropped();
    },
    get failed() {
      return failed();
    },
    start,
    stop,
    take: () => part(true),
    toBytes: async () => packTrace(mergeTraces([part(false)])),
  };
}
