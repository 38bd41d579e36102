import { readTrace, bundledTrace, prepare, replay, settle } from "/tmp/tlsf-wt/packages/bench/dist/index.js";
import { createHeap } from "/tmp/tlsf-wt/packages/core/dist/index.js";
const which = process.argv[2] ?? "tlsf", names = (process.argv[3] ?? "jq").split(","), secs = Number(process.argv[4] ?? 1);
for (const name of names) {
  const trace = await readTrace(bundledTrace(name));
  let target;
  if (which === "tlsf") {
    const { tlsf } = await import("/tmp/tlsf-wt/packages/tlsf/dist/index.js");
    const heap = createHeap({ memory: 64 << 20, strategy: tlsf() });
    target = { malloc: (s) => heap.allocUnsafe(s), calloc: (s) => heap.alloc(s), realloc: (p, s) => heap.reallocUnsafe(p, s), memalign: (a, s) => heap.allocUnsafe(s, a), free: (p) => { heap.free(p); } };
  } else {
    const files = (await import("node:fs")).readdirSync("/tmp/tlsf-wt/packages/bench/dist").find((f) => f.startsWith(which) && f.endsWith(".js"));
    target = await (await import("/tmp/tlsf-wt/packages/bench/dist/" + files)).default.create(64 << 20);
  }
  const program = prepare(trace, 16);
  const slots = new Int32Array(program.slots);
  const t0 = performance.now();
  const times = [];
  while (performance.now() - t0 < secs * 1000) {
    const a = performance.now();
    replay(program, target, slots);
    times.push((performance.now() - a) * 1e6 / program.length);
    settle(target, slots);
  }
  times.sort((a, b) => a - b);
  console.log(which, name, "min", times[0].toFixed(1), "med", times[times.length >> 1].toFixed(1), times.length);
}
