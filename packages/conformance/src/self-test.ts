/**
 * The planted-fault self-test: known kinds of broken allocator, each planted into a small correct one, and the battery that
 * `conformance` registers run over it. A kit that found none of them would say "passed" of everything.
 */
import { type BatteryOptions, runBattery } from "./battery.js";
import { ConformanceError, PROMISES, type PromiseName } from "./promises.js";
import type { Subject } from "./subject.js";
import { formatTable } from "./table.js";
import { attachToy, restoreToy } from "./toy/copies.js";
import { FAULTS, type Fault, type HeapFault, STACK_FAULTS, type StackFault } from "./toy/faults.js";
import { toy } from "./toy/heap.js";
import { restoreStack, stackToy } from "./toy/stack.js";

/** What became of one planted fault. */
export interface SelfTestResult {
  /** Completes "a heap that …". */
  readonly fault: string;
  /** The promises it breaks; a fault may be seen as one or the other first. */
  readonly expected: readonly PromiseName[];
  /** One of them was named. */
  readonly found: boolean;
  /** The one that was named; undefined if nothing was found. */
  readonly promise: PromiseName | undefined;
  /** The promise as a sentence, and what was seen; `""` if nothing was found. */
  readonly message: string;
}

/** Large enough for a page-aligned block: else the sound one would not keep what it claims. */
const BYTES = 16_384;
/** So little is enough for each of them. */
const OPTIONS: BatteryOptions = { seed: 1, operations: 5000, numRuns: 40, shrinkMs: 0 };

/** Plants one fault, or none, and runs the battery: over the heap it belongs to, and both for none. */
export function tryFault(fault: Fault | undefined): SelfTestResult {
  try {
    if (fault === undefined || !isOfStack(fault)) batteryOverHeap(fault);
    if (fault === undefined || isOfStack(fault)) batteryOverStack(fault);
  } catch (error) {
    return judge(fault, error);
  }
  return judge(fault, undefined);
}

/** @param error What the battery threw, if anything. Found is only what was named by a promise that the fault breaks. */
export function judge(fault: Fault | undefined, error: unknown): SelfTestResult {
  const expected = fault === undefined ? [] : FAULTS[fault];
  const of = { fault: fault ?? "is sound", expected };
  if (error === undefined) return { ...of, found: false, promise: undefined, message: "" };
  if (!(error instanceof ConformanceError))
    return { ...of, found: false, promise: undefined, message: String(error) };
  const { promise, detail } = error;
  const message = `[${promise}] ${PROMISES[promise]}: ${detail}`;
  return { ...of, found: expected.includes(promise), promise, message };
}

/** @throws Error if the fault was not found. */
export function demandFound({ found, expected, message }: SelfTestResult): void {
  if (!found) throw new Error(`not found as ${expected.join(" or ")}: ${message}`);
}

const isOfStack = (fault: Fault): fault is StackFault => fault in STACK_FAULTS;

function batteryOverHeap(fault: HeapFault | undefined): void {
  runBattery((): Subject => toy(fault, BYTES), {
    ...OPTIONS,
    restore: (bytes) => restoreToy(bytes, fault),
    attach: (descriptor) => attachToy(descriptor, fault),
  });
}

function batteryOverStack(fault: StackFault | undefined): void {
  runBattery((): Subject => stackToy(fault, BYTES), { ...OPTIONS, restore: (bytes) => restoreStack(bytes) });
}

/**
 * Runs the battery over every known kind of broken allocator. Needs no test runner.
 *
 * @returns One result a fault; the kit is sound if each has `found`. About two seconds.
 */
export function selfTest(): readonly SelfTestResult[] {
  return (Object.keys(FAULTS) as Fault[]).map(tryFault);
}

/** The results as a table: fault, the promise it breaks, whether the message named it. */
export function formatSelfTest(results: readonly SelfTestResult[]): string {
  const found = results.filter((result) => result.found).length;
  const rows = results.map(({ fault, expected, found, promise }) => [
    fault,
    found ? `${promise}` : expected.join(" or "),
    found ? "found" : `NOT FOUND${promise === undefined ? "" : `, but ${promise}`}`,
  ]);
  return formatTable(
    `planted faults: ${found} of ${results.length} found`,
    ["a heap that", "breaks the promise", ""],
    rows,
  );
}
