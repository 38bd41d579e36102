/**
 * The test kit of Heapwright: a shadow model and seeded random programs that drive any heap or allocator and hold it to
 * every promise it makes. `conformance` and `conformanceSelfTest` declare tests of Vitest; the rest needs no test runner: what is
 * found is thrown.
 */
export { type AllocatorSubjectOptions, allocatorSubject } from "./allocator-subject.js";
export { opArbitrary, programArbitrary } from "./arbitrary.js";
export { Battery, type BatteryOptions, type BatteryPart, runBattery } from "./battery.js";
export type { CapabilityRow } from "./capabilities.js";
export {
  type ConformanceOptions,
  conformance,
  conformanceSelfTest,
  type SelfTestOptions,
} from "./conformance.js";
export { formatProgram } from "./format.js";
export { Generator, generateProgram } from "./generate.js";
export { type HeapSubjectOptions, heapSubject, type Marks } from "./heap-subject.js";
export {
  DEFAULT_WEIGHTS,
  makeProfile,
  type OpName,
  type Profile,
  type ProfileOptions,
  type Weights,
} from "./profile.js";
export {
  type AlignedCall,
  type AllocOp,
  BAD_ALIGNMENTS,
  BAD_MARKS,
  BAD_POINTERS,
  BAD_SIZES,
  BAD_TAGS,
  type BadArgumentOp,
  type BadFreeOp,
  type BadMarkOp,
  type BadPlace,
  type BadPointerOp,
  type BadValueOp,
  type BlockRef,
  type FreeOp,
  type GrowOp,
  HUGE_SIZES,
  type MarkOp,
  type Op,
  type PlainOp,
  type PointerCall,
  type Program,
  type ReallocOp,
  type ReleaseOp,
  type ResizeOp,
  type SizedCall,
} from "./program.js";
export { ConformanceError, type Failure, PROMISES, type PromiseName } from "./promises.js";
export { type PropertyOptions, property } from "./property.js";
export { Random } from "./random.js";
export { Runner, type RunOptions, runProgram } from "./run.js";
export { formatSelfTest, type SelfTestResult, selfTest } from "./self-test.js";
export { type LiveBlock, type Range, Shadow } from "./shadow.js";
export { type MakeTarget, type Shrunk, shrink } from "./shrink.js";
export { type SoakOptions, type SoakReport, soak } from "./soak.js";
export type { Detects, Subject, SubjectRegion } from "./subject.js";
export { toSubject } from "./subject.js";
export type { RunReport } from "./trial.js";
