// A program that sees a package's types twice, from `.d.ts` and from `.d.cts`: they must be the same to each other.

import type * as esmCore from "@heapwright/core" with { "resolution-mode": "import" };
import type * as cjsCore from "@heapwright/core";
import type * as esmHyperheap from "@heapwright/hyperheap" with { "resolution-mode": "import" };
import type * as cjsHyperheap from "@heapwright/hyperheap";

declare const esm: typeof esmCore & typeof esmHyperheap;
declare const cjs: typeof cjsCore & typeof cjsHyperheap;

const one: cjsCore.Heap = esm.createHeap({ memory: 1 << 20, strategy: cjs.hyperheap() });
const other: esmCore.Heap = cjs.createHeap({ memory: 1 << 20, strategy: esm.hyperheap() });

// An address, and an error, of one is one of the other.
one.free(other.alloc(16));
export function codeOf(error: unknown): string {
  if (!esm.isHeapError(error)) return "";
  const same: cjsCore.HeapError = error;
  return same.code;
}
