// A program that sees a package's types twice, from `.d.ts` and from `.d.cts`: they must be the same to each other.

import type * as esmCore from "@heapwright/core" with { "resolution-mode": "import" };
import type * as cjsCore from "@heapwright/core";
import type * as esmHyperheap from "@heapwright/hyperheap" with { "resolution-mode": "import" };
import type * as cjsHyperheap from "@heapwright/hyperheap";
import type * as esmStats from "@heapwright/stats" with { "resolution-mode": "import" };
import type * as cjsStats from "@heapwright/stats";
import type * as esmStrict from "@heapwright/strict" with { "resolution-mode": "import" };
import type * as cjsStrict from "@heapwright/strict";

declare const esm: typeof esmCore & typeof esmHyperheap & typeof esmStats & typeof esmStrict;
declare const cjs: typeof cjsCore & typeof cjsHyperheap & typeof cjsStats & typeof cjsStrict;

const one: cjsCore.Heap = esm.createHeap({ memory: 1 << 20, strategy: cjs.hyperheap() });
const other: esmCore.Heap = cjs.createHeap({ memory: 1 << 20, strategy: esm.hyperheap() });

// An address, and an error, of one is one of the other.
one.free(other.alloc(16));
export function codeOf(error: unknown): string {
  if (!esm.isHeapError(error)) return "";
  const same: cjsCore.HeapError = error;
  return same.code;
}

const guarded = esm.createHeap({
  memory: 1 << 20,
  strategy: cjs.hyperheap(),
  plugins: [cjs.strict(), esm.limit({ bytes: 10 })],
});
const api: esmStrict.StrictApi = guarded.strict;
export const seq: number = api.seq;

const counted = cjs.createHeap({ memory: 1 << 20, strategy: esm.hyperheap(), plugins: [esm.stats()] });
const figures: cjsStats.TagStats = counted.stats.get(counted.stats.tag("mesh"));
export const text = cjs.prometheusText(counted.stats) + figures.name;
