/** The worker's side of the composition costs: one stack, measured on both workloads in every round. */
import { rounds, warmUp } from "../measure.js";
import type { CompositionSpec, Job } from "../protocol.js";
import { openTrace } from "../traces.js";
import { createSubject, runCrowd } from "./stacks.js";
import { PATTERN_PAIRS, runPairs, runPattern, toPairs } from "./workload.js";

export async function compositionJob(spec: CompositionSpec): Promise<Job> {
  const pairs = toPairs(await openTrace({ path: spec.trace }));
  const crowd = spec.crowded ? runCrowd() : undefined;
  const subject = createSubject(spec.stack);
  const slots = new Int32Array(pairs.slots);
  const held = new Int32Array(64);

  const pattern = rounds({
    operations: PATTERN_PAIRS,
    run: () => runPattern(subject, held),
    restore: () => {},
  });
  const trace = rounds({
    operations: pairs.pairs,
    run: () => runPairs(subject, pairs, slots),
    restore: () => {
      for (let id = 0; id < slots.length; id++) {
        if (slots[id] === 0) continue;
        subject.free(slots[id]);
        slots[id] = 0;
      }
    },
  });
  return {
    loaded: { estimateMs: (trace(0).ns * pairs.pairs) / 1e6 },
    keep: crowd,
    warm: (ms, capMs) => warmUp(pattern, ms / 2, capMs / 2) + warmUp(trace, ms / 2, capMs / 2),
    // A run of the trace takes several times as long as one of the pattern, and varies more.
    round: (ms) => ({ pattern: pattern(ms / 3), trace: trace((2 * ms) / 3) }),
  };
}
