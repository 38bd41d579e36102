/** What checked views cost: reads at random indices through them and through plain typed arrays, in processes that take turns. */
import { type Figures, figuresOf, type RatioPair, ratioOf } from "../figures.js";
import type { Failure } from "../protocol.js";
import type { Effort, Progress, StopSignal } from "../schedule.js";
import { runSets, stepsOf } from "../sets.js";
import { VIEW_TYPES, type ViewType } from "./job.js";

/** One type of element. */
export type ViewRow =
  | {
      readonly type: ViewType;
      readonly status: "measured";
      readonly plain: Figures;
      readonly checked: Figures;
      readonly ratio: RatioPair;
    }
  | ({ readonly type: ViewType; readonly status: "not run" } & Failure);

export interface ViewCost {
  readonly rows: readonly ViewRow[];
  /** False where it was interrupted: rows are missing then. */
  readonly complete: boolean;
}

export interface ViewOptions {
  readonly effort: Effort;
  readonly progress?: Progress | undefined;
  readonly signal?: StopSignal | undefined;
}

const WAYS = [false, true] as const;

export async function measureViews({ effort, progress, signal }: ViewOptions): Promise<ViewCost> {
  const rows: ViewRow[] = [];
  const share = stepsOf(effort, WAYS.length);
  for (const [index, type] of VIEW_TYPES.entries()) {
    let done = index * share;
    const [plain, checked] = await runSets(
      WAYS.map((isChecked) => ({
        allocator: `${isChecked ? "checked" : "plain"} ${type}`,
        job: () => ({ kind: "view", type, checked: isChecked }),
      })),
      {
        effort,
        roundMs: effort.roundMs,
        signal,
        step: (what) => progress?.(done++, VIEW_TYPES.length * share, `views: ${what}`),
      },
    );
    const failure = plain?.failure ?? checked?.failure;
    if (failure !== undefined) rows.push({ type, status: "not run", ...failure });
    else if (plain !== undefined && checked !== undefined) {
      const [base, other] = [plain, checked].map(({ processes }) =>
        figuresOf(processes.map((samples) => samples.map(({ reads }) => reads.ns))),
      ) as [Figures, Figures];
      rows.push({
        type,
        status: "measured",
        plain: base,
        checked: other,
        ratio: ratioOf(other, base),
      });
    }
    if (signal?.aborted) break;
  }
  return { rows, complete: signal?.aborted !== true };
}
