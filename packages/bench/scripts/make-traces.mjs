// Writes the two generated traces into traces/. Needs a build; the same seeds give the same bytes (a test holds them to it).
import { bundledTrace, makeAlignedTrace, makePagesTrace, writeTrace } from "../dist/index.js";

for (const trace of [makeAlignedTrace(), makePagesTrace()]) {
  await writeTrace(bundledTrace(trace.name), trace);
  console.log(`${trace.name}: ${trace.length} operations`);
}
