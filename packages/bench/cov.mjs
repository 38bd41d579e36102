import { readTrace, bundledTrace, prepare, replay, settle } from "/tmp/tlsf-wt/packages/bench/dist/index.js";
import { createHeap } from "/tmp/tlsf-wt/packages/core/dist/index.js";
import { tlsf } from "/tmp/tlsf-wt/packages/tlsf/dist/index.js";
import { Session } from "node:inspector/promises";
import fs from "node:fs";
const src = fs.readFileSync("/tmp/tlsf-wt/packages/tlsf/dist/index.js", "utf8");
const s = new Session(); s.connect();
await s.post("Profiler.enable");
for (const name of process.argv[2].split(",")) {
  const trace = await readTrace(bundledTrace(name));
  const heap = createHeap({ memory: 64 << 20, strategy: tlsf() });
  const target = { malloc: (s) => heap.allocUnsafe(s), calloc: (s) => heap.alloc(s), realloc: (p, s) => heap.reallocUnsafe(p, s), memalign: (a, s) => heap.allocUnsafe(s, a), free: (p) => { heap.free(p); } };
  const program = prepare(trace, 16);
  const slots = new Int32Array(program.slots);
  await s.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  replay(program, target, slots); 
  const { result } = await s.post("Profiler.takePreciseCoverage");
  await s.post("Profiler.stopPreciseCoverage");
  settle(target, slots);
  const f = result.find((r) => r.url.endsWith("tlsf/dist/index.js"));
  console.log("==", name, program.length);
  for (const fn of f.functions) for (const r of fn.ranges) if (r.count > program.length * 0.004) {
    const line = src.slice(0, r.startOffset).split("\n").length;
    console.log((r.count / program.length * 100).toFixed(1).padStart(6), fn.functionName || "anon", line, JSON.stringify(src.slice(r.startOffset, r.startOffset + 60)));
  }
}
