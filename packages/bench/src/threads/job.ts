/** The worker process's side: a crew, and replays of theirs as one sample. */
import { median } from "simple-statistics";
import type { TeamRound } from "../agents/crew.js";
import { type Round, warmUp } from "../measure.js";
import type { Job, ThreadsSpec } from "../protocol.js";
import { openTrace } from "../traces.js";
import { WORKLOADS } from "../workloads/index.js";
import { ReplayCrew } from "./crew.js";

/** With the crew, for who wants to end it and go on in this process. */
export interface ThreadsJob extends Job {
  readonly crew: ReplayCrew;
}

/** The median replay, and the sums of all. */
function summed(replays: readonly TeamRound[]): Round {
  const sum = (of: (round: TeamRound) => number): number =>
    replays.reduce((total, round) => total + of(round), 0);
  return {
    ns: median(replays.map(({ elapsedNs, operations }) => elapsedNs / operations)),
    runs: replays.length,
    team: {
      elapsedNs: sum((round) => round.elapsedNs),
      operations: sum((round) => round.operations),
      entered: sum((round) => round.entered),
      contended: sum((round) => round.contended),
      slept: sum((round) => round.slept),
      handedOver: 0,
    },
  };
}

export async function threadsJob({ stack, threads, trace: path, check }: ThreadsSpec): Promise<ThreadsJob> {
  const trace = await openTrace({ path });
  const writes = Object.hasOwn(WORKLOADS, trace.name) ? (WORKLOADS[trace.name].writes ?? 0) : 0;
  const crew = await ReplayCrew.create(stack, threads, trace, writes);
  if (check) crew.check();
  const round = (ms: number): Round => {
    const replays: TeamRound[] = [];
    const end = performance.now() + ms;
    do replays.push(crew.replay());
    while (performance.now() < end);
    return summed(replays);
  };
  return {
    loaded: { estimateMs: 0 },
    crew,
    warm: (ms, capMs) => warmUp(round, ms, capMs),
    round: (ms) => ({ threads: round(ms) }),
  };
}
