/** The worker process's side of the larson workload: a team of threads, and one round of theirs as one sample. */
import { type Round, warmUp } from "../measure.js";
import type { Job, LarsonSpec } from "../protocol.js";
import { Team } from "./team.js";

/** With the team, for who wants to end it and go on in this process. */
export interface LarsonJob extends Job {
  readonly team: Team;
}

export async function larsonJob({ stack, threads, shape, check }: LarsonSpec): Promise<LarsonJob> {
  const team = await Team.create(stack, threads, shape);
  if (check) team.check();
  const larson = (ms: number): Round => {
    const round = team.round(ms);
    return { ns: round.elapsedNs / round.operations, runs: 1, team: round };
  };
  return {
    loaded: { estimateMs: 0 },
    team,
    warm: (ms, capMs) => warmUp(larson, ms, capMs),
    round: (ms) => ({ larson: larson(ms) }),
  };
}
