/** The stacks under test, by name; page and workers make the same one. */
import { defineStack, type Heap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { strict } from "@heapwright/strict";

export const STACKS = ["hyperheap", "hyperheap, stats", "hyperheap, stats, strict"] as const;
export type StackName = (typeof STACKS)[number];

/** @param strategy a hyperheap that does what a test wants besides */
export function stackOf(name: StackName, strategy = hyperheap()) {
  return defineStack({
    strategy,
    plugins: [
      name !== "hyperheap" && stats({ maxTags: 8 }),
      name.endsWith("strict") && strict({ stacks: "off" }),
    ],
  });
}

/** Addresses of the blocks that are in use. */
export function liveBlocks(heap: Heap): number[] {
  return [...heap.blocks()].filter(({ state }) => state === "used" || state === "page").map(({ ptr }) => ptr);
}

/** The code and text of what a call throws; `"nothing"` if it does not. */
export function thrownBy(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return describe(error);
  }
  return "nothing";
}

export async function rejectedBy(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "nothing", describe);
}

function describe(error: unknown): string {
  const { code, name, message } = error as Error & { readonly code?: unknown };
  // A DOMException has a code, too, which is a number.
  return `${typeof code === "string" ? code : name}: ${message}`;
}
