/**
 * @heapwright/bench: traces, replays and the measures, for programs. The command line is `heapwright-bench`.
 */
export {
  type AgentCost,
  type AgentOptions,
  type LarsonCell,
  type LockRow,
  measureAgents,
} from "./agents/run.js";
export { agentStackNames } from "./agents/stacks.js";
export {
  type Cell,
  type ComparedAllocator,
  type CompareOptions,
  type Comparison,
  compare,
  type Measured,
  type NotRun,
} from "./compare.js";
export {
  type Composition,
  type CompositionOptions,
  type CompositionRow,
  measureComposition,
} from "./composition/run.js";
export { type Environment, environment } from "./environment.js";
export { TraceError, UsageError } from "./errors.js";
export type { Figures, RatioPair } from "./figures.js";
export { makeAlignedTrace, makePagesTrace } from "./generate.js";
export { reportHtml } from "./html/report.js";
export { type BenchResult, type Results, toJson } from "./json.js";
export type { Histogram, Percentiles } from "./latency/counts.js";
export { type Latency, type LatencyCell, measureLatency, type PooledLatency } from "./latency/run.js";
export {
  type Growth,
  type LiveCell,
  type LiveCost,
  type LiveOptions,
  measureLive,
  type Pattern,
} from "./live/run.js";
export {
  type Change,
  findRegressions,
  type Regression,
  type RegressionOptions,
} from "./regression/regression.js";
export type { Lost } from "./regression/samples.js";
export { type Program, prepare, replay, type Slots, settle } from "./replay.js";
export { agentsTable } from "./report/agents.js";
export { compositionTable } from "./report/composition.js";
export { latencyTable } from "./report/latency.js";
export { liveTable } from "./report/live.js";
export { regressionTable } from "./report/regression.js";
export { spaceTable } from "./report/space.js";
export { stacksTable } from "./report/stacks.js";
export { threadsTable } from "./report/threads.js";
export { comparisonTable, type Repeats } from "./report/time.js";
export { timelineNotes } from "./report/timeline.js";
export { viewsTable } from "./report/views.js";
export { ResultError, readResult } from "./result-file.js";
export { EFFORTS, type Effort, type Progress, type StopSignal } from "./schedule.js";
export type { Footprint } from "./space/footprint.js";
export { measureSpace, type Space, type SpaceCell } from "./space/run.js";
export { measureStacks, type StackOptions } from "./stacks/run.js";
export { stackNames } from "./stacks/stacks.js";
export type { Interval } from "./statistics.js";
export { type Mean, type Ratio, type Summary, summarize } from "./summary.js";
export { loadTarget, targetNames } from "./targets/index.js";
export { OutOfMemory, type Target, type TargetModule } from "./targets/target.js";
export { measureThreads, type ThreadsCell, type ThreadsCost, type ThreadsOptions } from "./threads/run.js";
export type { HeapMap, MappedBlock } from "./timeline/heap-map.js";
export { measureTimeline, type Timeline, type TimelineCell, type TimelineTrace } from "./timeline/run.js";
export type { Watched } from "./timeline/watch.js";
export {
  CALLOC,
  createTrace,
  decodeTrace,
  encodeTrace,
  FREE,
  MALLOC,
  MEMALIGN,
  REALLOC,
  readTrace,
  type Trace,
  writeTrace,
} from "./trace.js";
export { describeTrace, type TraceStats } from "./trace-stats.js";
export { bundledTrace, findTrace, findTraces, openTrace, type TraceFile, traceNames } from "./traces.js";
export { TooSlow, type VerifyOptions, verifyReplay, WrongAnswer } from "./verify.js";
export { measureViews, type ViewCost, type ViewOptions, type ViewRow } from "./views/run.js";
export { WORKLOADS, type Workload, workloadNames } from "./workloads/index.js";
