// What the front door leads to, by `require` or handed over by subpaths.mjs.
const assert = require("node:assert/strict");

module.exports = function use(door, at) {
  const { stats } = at("stats");
  const { strict } = at("strict");
  const { trace } = at("trace");
  const heap = door.createHeap({ memory: 1 << 20, plugins: [stats(), strict({ stacks: "off" }), trace()] });
  const tag = heap.stats.tag("row");
  const row = heap.alloc(10, 16, tag);
  assert.equal(heap.stats.get(tag).currentBytes, 10);
  heap.memory.u8[row + 10] = 0;
  assert.throws(
    () => heap.free(row),
    (error) => door.isHeapError(error, "ERR_HEAP_OVERFLOW"),
  );
  heap.free(row);
  heap.check();
  assert.ok(heap.trace.take() !== undefined);

  const { slab } = at("slab");
  const { hyperheap } = at("hyperheap");
  for (const strategy of [
    at("tlsf").tlsf(),
    at("arena").arena(),
    slab({ large: hyperheap() }),
    hyperheap(),
  ]) {
    const other = door.createHeap({ memory: new SharedArrayBuffer(1 << 20), strategy });
    const { ptr, bytes } = other.string(strategy.name);
    assert.equal(door.attachHeap(other.descriptor(), { strategy }).text(ptr, bytes), strategy.name);
  }

  const { mallocImports, guestRegion } = at("wasm");
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { imports, bind } = mallocImports();
  bind(door.createHeap(guestRegion({ memory, __heap_base: 1000 })), { memory, __heap_base: 1000 });
  assert.ok(imports.env.malloc(0) > 1000 && imports.env.calloc(-1, -1) === 0);
};

if (require.main === module) module.exports(require("heapwright"), (name) => require(`heapwright/${name}`));
