/**
 * What the parent asks of a worker process and what it answers. One request at a time; a worker that is not asked
 * does nothing, so many may be alive while one measures.
 */
import type { LarsonShape } from "./agents/larson.js";
import type { ClockedReplays } from "./latency/clocked.js";
import type { Round } from "./measure.js";
import type { Footprint } from "./space/footprint.js";
import type { Watched } from "./timeline/watch.js";
import type { ViewType } from "./views/job.js";

/** Replay one trace over one allocator. */
export interface ReplaySpec {
  readonly kind: "replay";
  /** Name or module path. */
  readonly target: string;
  /** File. */
  readonly trace: string;
  /** Begin with a replay in which every answer is checked. */
  readonly check: boolean;
  /** Limit of the checked replay, in milliseconds. */
  readonly limitMs: number;
}

/** The stacks whose difference is the cost of composing. */
export type Stack = "bare" | "heap" | "layer";

/** Run one stack on a learned pattern and on a trace. */
export interface CompositionSpec {
  readonly kind: "composition";
  readonly stack: Stack;
  /** Run five other stacks in the process first. */
  readonly crowded: boolean;
  readonly trace: string;
}

/** Keep so many blocks alive and replace one after the other. */
export interface LiveSpec {
  readonly kind: "live";
  readonly target: string;
  readonly blocks: number;
  /** Limit of the way to the steady state, in milliseconds. */
  readonly limitMs: number;
}

/** Read a block at random indices. */
export interface ViewSpec {
  readonly kind: "view";
  readonly type: ViewType;
  /** Through a view of `heap.strict`, else through a typed array. */
  readonly checked: boolean;
}

/** Let threads replace blocks on one shared heap. */
export interface LarsonSpec {
  readonly kind: "larson";
  /** Name of a stack. */
  readonly stack: string;
  readonly threads: number;
  readonly shape: LarsonShape;
  /** Begin with rounds in which every block is checked. */
  readonly check: boolean;
}

/** Replace blocks on a shared heap that nobody else uses. */
export interface LockSpec {
  readonly kind: "lock";
  /** With the lock that shared heaps have, else with none. */
  readonly locked: boolean;
}

/** Let threads replay their shares of a trace on one shared heap. */
export interface ThreadsSpec {
  readonly kind: "threads";
  /** Name of a stack. */
  readonly stack: string;
  readonly threads: number;
  /** File or workload. */
  readonly trace: string;
  /** Begin with a replay in which every block is checked. */
  readonly check: boolean;
}

export type JobSpec =
  | ReplaySpec
  | CompositionSpec
  | LiveSpec
  | ViewSpec
  | LarsonSpec
  | LockSpec
  | ThreadsSpec;

/** Find the smallest region of an allocator on a trace. */
export interface SpaceSpec {
  readonly target: string;
  readonly trace: string;
  readonly limitMs: number;
}

/** Watch the memory of an allocator while a trace runs. */
export interface TimelineSpec {
  readonly target: string;
  readonly trace: string;
  /** Look after so many operations, ascending. */
  readonly at: readonly number[];
  readonly limitMs: number;
}

export type Request =
  | { readonly do: "load"; readonly job: JobSpec }
  | { readonly do: "warm"; readonly ms: number; readonly capMs: number }
  | { readonly do: "round"; readonly ms: number }
  | { readonly do: "clock"; readonly replays: number }
  | { readonly do: "space"; readonly spec: SpaceSpec }
  | { readonly do: "timeline"; readonly spec: TimelineSpec };

/** What a job says of itself once it is loaded. */
export interface Loaded {
  /** Milliseconds of one repetition, roughly: the checked replay, or a trace's worth of replacements; 0 unchecked. */
  readonly estimateMs: number;
  /** What a reader of the figures should know. */
  readonly note?: string | undefined;
}

/** Rounds by what was measured: `replay`; `learned` and `random`; `pattern` and `trace`; `reads`; `larson`; `pattern` and `replace`; `threads`. */
export type Sample = { readonly [what: string]: Round };

export interface Replies {
  readonly load: Loaded;
  readonly warm: number;
  readonly round: Sample;
  readonly clock: ClockedReplays;
  readonly space: Footprint;
  readonly timeline: Watched;
}

/** `reason` is short enough for a table's cell; `detail` is all that is known. */
export interface Failure {
  readonly reason: string;
  readonly detail: string;
}

export type Reply =
  | { readonly ok: true; readonly value: Replies[keyof Replies] }
  | ({ readonly ok: false } & Failure);

/** What runs in a worker. */
export interface Job {
  readonly loaded: Loaded;
  /** What must stay alive as long as the job. */
  readonly keep?: unknown;
  warm(ms: number, capMs: number): number;
  round(ms: number): Sample;
  /** Replays with every operation timed alone, where the job can. */
  clock?(replays: number): Promise<ClockedReplays>;
}

/** A job that cannot be run, and why. */
export class CannotRun extends Error {
  override name = "CannotRun";
}
