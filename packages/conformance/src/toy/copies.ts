/** Copies of a toy heap, and other agents of it. */
import type { HeapDescriptor } from "@heapwright/core";
import type { Subject } from "../subject.js";
import type { HeapFault } from "./faults.js";
import { states, toyOn } from "./heap.js";
import { decode, type State, writeHeader } from "./state.js";

/** The toy that a snapshot was made of, with bytes of its own. */
export function restoreToy(bytes: Uint8Array, fault?: HeapFault): Subject {
  const original = states.get(bytes);
  if (fault === "shares its bytes with its copy" && original !== undefined) return toyOn(original, fault);
  const state = decode(bytes);
  const used = state.chunks.filter(({ free }) => !free);
  const copy = new Uint8Array(state.buffer);
  for (const chunk of used) {
    const end = chunk.ptr + chunk.bytes;
    if (fault === "restores blocks without their last bytes") copy.fill(0, end - 4, end);
  }
  if (fault === "restores all but one block" && used[0] !== undefined) {
    used[0].free = true;
    writeHeader(state.buffer, used[0]);
  }
  const restored = toyOn(state, fault);
  return fault === "cannot be used after it was restored" ? { ...restored, free: () => undefined } : restored;
}

/** Another agent on the same toy. */
export function attachToy(descriptor: HeapDescriptor, fault?: HeapFault): Subject {
  const joined = toyOn(states.get(descriptor.memory) as State, fault);
  return fault === "shows other agents no blocks" ? { ...joined, blocks: () => [] } : joined;
}
