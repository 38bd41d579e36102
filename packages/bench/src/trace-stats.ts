/**
 * What a trace asks for, in the figures its table shows and a target's memory is sized by.
 * Price: one walk and one sort of the sizes.
 */
import { FREE, MEMALIGN, REALLOC, type Trace } from "./trace.js";

export interface TraceStats {
  readonly operations: number;
  /** Most blocks alive at once. */
  readonly maxLiveBlocks: number;
  /** Most requested bytes alive at once. */
  readonly peakLiveBytes: number;
  /** Sum of all requests: what an allocator that never reuses memory hands out. */
  readonly requestedBytes: number;
  /** Requests: every operation but free. */
  readonly requests: number;
  readonly medianSize: number;
  readonly p99Size: number;
  /** Largest alignment asked for by a memalign; 0 if there is none. */
  readonly maxAlign: number;
}

/** Bytes operation `i` asks for; a recorded 0 counts as 1. */
export function requestSize(trace: Trace, i: number): number {
  return trace.sizes[i] || 1;
}

export function describeTrace(trace: Trace): TraceStats {
  const held = new Uint32Array(trace.maxLive);
  const sizes = new Uint32Array(trace.length);
  let requests = 0;
  let requestedBytes = 0;
  let liveBlocks = 0;
  let liveBytes = 0;
  let maxLiveBlocks = 0;
  let peakLiveBytes = 0;
  let maxAlign = 0;
  for (let i = 0; i < trace.length; i++) {
    const op = trace.ops[i];
    const id = trace.ids[i];
    if (op === FREE) {
      liveBlocks--;
      liveBytes -= held[id];
      continue;
    }
    const size = requestSize(trace, i);
    if (op === REALLOC) liveBytes -= held[id];
    else liveBlocks++;
    if (op === MEMALIGN) maxAlign = Math.max(maxAlign, 1 << trace.alignLog2[i]);
    held[id] = size;
    liveBytes += size;
    requestedBytes += size;
    sizes[requests++] = size;
    maxLiveBlocks = Math.max(maxLiveBlocks, liveBlocks);
    peakLiveBytes = Math.max(peakLiveBytes, liveBytes);
  }
  const sorted = sizes.subarray(0, requests).sort();
  return {
    operations: trace.length,
    maxLiveBlocks,
    peakLiveBytes,
    requestedBytes,
    requests,
    medianSize: sorted[requests >> 1],
    p99Size: sorted[Math.floor(requests * 0.99)],
    maxAlign,
  };
}
