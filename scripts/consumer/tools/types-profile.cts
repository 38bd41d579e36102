import { type StatsSnapshot, stats } from "@heapwright/stats";
import { heapProfile } from "@heapwright/stats/pprof";

declare const kept: StatsSnapshot;
export const profile: Promise<Uint8Array> = heapProfile({ stats: { toJSON: () => kept } });
export const plugin = stats({ sizeClasses: true });

// @ts-expect-error were the types `any`, this would not be an error
profile.nonsense;
