// A first program with every library, imported from its built files; any runtime can run it. The conformance kit needs vitest, the bench Node.
import assert from "node:assert";

const packages = {};
for (const name of ["core", "hyperheap", "tlsf", "slab", "arena", "stats", "strict", "trace"])
  packages[name] = await load(name);
const { core, hyperheap, tlsf, slab, arena, stats, strict, trace } = packages;
const { createHeap, attachHeap, restoreHeap, segregate, isHeapError } = core;

/** Packages import types only, so that a file is all there is to one. */
function load(name) {
  return import(new URL(`../packages/${name}/dist/index.js`, import.meta.url).href);
}

const strategies = {
  hyperheap: () => hyperheap.hyperheap(),
  tlsf: () => tlsf.tlsf(),
  slab: () => slab.slab({ large: tlsf.tlsf() }),
  arena: () => arena.arena(),
  segregate: () => segregate({ upTo: 256, small: tlsf.tlsf(), large: hyperheap.hyperheap() }),
};
const plugins = {
  plain: () => [],
  stats: () => [stats.stats()],
  strict: () => [strict.strict({ stacks: "off" })],
  trace: () => [trace.trace({ operations: 100, sink: () => {} })],
};
let worked = 0;
for (const strategy of Object.values(strategies)) {
  for (const stack of Object.values(plugins)) {
    const parts = () => ({ strategy: strategy(), plugins: stack() });
    const heap = createHeap({ memory: 1 << 17, ...parts() });
    const text = heap.string("grüße");
    const floats = heap.allocArray(Float64Array, 100);
    floats.fill(0.5);
    const last = heap.alloc(1000);
    heap.free(last);
    assert.throws(() => heap.free(last), isHeapError);
    heap.check();
    const copy = restoreHeap(heap.snapshot(), parts());
    assert.equal(copy.text(copy.toPtr(heap.toOffset(text.ptr)), text.bytes), "grüße");
    assert.ok([...copy.blocks()].some(({ state }) => state === "used"));
    worked++;
  }
}
// Several agents on one memory that grows.
const memory = new WebAssembly.Memory({ initial: 2, maximum: 16, shared: true });
const first = createHeap({ memory, growth: { max: 1 << 20 }, strategy: hyperheap.hyperheap() });
const second = attachHeap(
  first.descriptor(),
  { strategy: hyperheap.hyperheap() },
  { growth: { max: 1 << 20 } },
);
const ptr = second.alloc(400_000);
assert.ok(ptr > 0);
first.free(ptr);
first.check();

assert.equal(worked, 20);
console.log(`${Object.keys(packages).length} packages work`);
