import { type Comparison, compare, traceNames } from "@heapwright/bench";

const names: readonly string[] = traceNames;
export const run: (...options: Parameters<typeof compare>) => Promise<Comparison> = compare;

// @ts-expect-error were the types `any`, this would not be an error
names.nonsense;
