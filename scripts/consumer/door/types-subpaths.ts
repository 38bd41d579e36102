import type { Heap as CoreHeap } from "@heapwright/core";
import { attachHeap, createHeap, defineStack, type Heap, limit } from "heapwright";
import { type ArenaApi, arena } from "heapwright/arena";
import { hyperheap } from "heapwright/hyperheap";
import { slab } from "heapwright/slab";
import { type StatsApi, stats } from "heapwright/stats";
import { type StrictApi, strict } from "heapwright/strict";
import { tlsf } from "heapwright/tlsf";
import { type TraceApi, trace } from "heapwright/trace";
import { guestRegion, type MallocFunctions, mallocImports } from "heapwright/wasm";

declare const debug: boolean;
declare const exports: { readonly [name: string]: unknown };

const heap = createHeap({ memory: 1 << 20, plugins: [stats(), debug && strict(), trace()] });
const plain: Heap = heap;
const same: CoreHeap = plain;
const counted: StatsApi = heap.stats;
const found: StrictApi | undefined = heap.strict;
const recorded: TraceApi = heap.trace;
// @ts-expect-error a heap has no API of a plugin that was not given: were the types `any`, this would not be an error
heap.limit;
// @ts-expect-error memory is needed
createHeap({ plugins: [stats()] });

const bump: ArenaApi = createHeap({ memory: 1 << 20, strategy: arena() }).arena;
const stack = defineStack({ strategy: slab({ large: hyperheap() }), plugins: [limit({ bytes: 10 })] });
const joined = attachHeap(same.descriptor(), stack).limit;
const other = attachHeap(same.descriptor(), { strategy: tlsf() });

const { imports, bind } = mallocImports();
bind(createHeap({ ...guestRegion(exports), growth: { max: 1 << 24 } }), exports);
const functions: MallocFunctions = imports.env;
export const all = [counted, found, recorded, bump, joined, other, functions];
