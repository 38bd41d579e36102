import { createRequire } from "node:module";
import { gunzipSync } from "node:zlib";
import { createHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import * as esm from "@heapwright/stats/pprof";
import { Profile } from "pprof-format";
import { expect, it } from "vitest";

const cjs = createRequire(import.meta.url)("@heapwright/stats/pprof");

it.each([
  ["imported", esm],
  ["required", cjs],
])("the profile writer, %s", async (_, { heapProfile }) => {
  const heap = createHeap({ memory: 1 << 20, strategy: hyperheap(), plugins: [stats()] });
  heap.alloc(100, 16, heap.stats.tag("mesh"));
  const { sample, stringTable } = Profile.decode(gunzipSync(await heapProfile(heap)));
  expect(sample.map(({ value }) => value.map(Number))).toEqual([[1, 100, 1, 100]]);
  expect(stringTable.strings).toContain("mesh");
});
