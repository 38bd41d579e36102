import { readTrace, bundledTrace, prepare, replay, settle } from "/tmp/tlsf-wt/packages/bench/dist/index.js";
import { createHeap } from "/tmp/tlsf-wt/packages/core/dist/index.js";
const floor = () => ({ abi: 1, name: "floor", version: 1, fields: ["size"], packed: true, stateBytes: 64, capabilities: { free: "any", detects: [], shared: true, grow: false, reset: true, marks: false, maxAlign: 4096 },
  create(ctx) { const i32 = ctx.memory.i32; const st = ctx.state >>> 2; const start = ctx.region.areaStart; let d = 0;
    i32[st] = start;
    return { api: undefined, allocator: {
      alloc(size, align) { let p = i32[st]; if (p > 60000000) p = start; i32[st] = p + ((size + 19) & -16) | 0; i32[(p >> 2) + 3] = size; return p + 16; },
      free(ptr) { i32[(ptr >> 2) - 1] = 0; },
      resize() { return false; }, usableSize(ptr) { return 64; }, takenSize() { return 64; }, goodSize(n) { return n; }, owns() { return true; } } }; } });
for (const name of process.argv[2].split(",")) {
  const trace = await readTrace(bundledTrace(name));
  const heap = createHeap({ memory: 64 << 20, strategy: floor() });
  const target = { malloc: (s) => heap.allocUnsafe(s), calloc: (s) => heap.alloc(s), realloc: (p, s) => heap.reallocUnsafe(p, s), memalign: (a, s) => heap.allocUnsafe(s, a), free: (p) => { heap.free(p); } };
  const program = prepare(trace, 16);
  const slots = new Int32Array(program.slots);
  const times = []; const t0 = performance.now();
  while (performance.now() - t0 < 1000) { const a = performance.now(); replay(program, target, slots); times.push((performance.now() - a) * 1e6 / program.length); settle(target, slots); }
  times.sort((a, b) => a - b); console.log("floor", name, "min", times[0].toFixed(1), "med", times[times.length >> 1].toFixed(1));
}
