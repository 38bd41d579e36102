/** `conformance()`: the battery as tests of the user's own Vitest. */
import type { Heap } from "@heapwright/core";
import { Battery, type BatteryOptions } from "./battery.js";
import { afterAll, describe, it } from "./runner.js";
import { demandFound, formatSelfTest, type SelfTestResult, tryFault } from "./self-test.js";
import type { Subject } from "./subject.js";
import { FAULTS, type Fault } from "./toy/faults.js";

export interface ConformanceOptions<H extends Heap = Heap> extends BatteryOptions<H> {
  /** Milliseconds one test may take; default 60,000. */
  readonly timeout?: number;
  /** Where the capability table goes; default `console.log`, false: nowhere. */
  readonly print?: ((table: string) => void) | false;
}

const TIMEOUT = 60_000;

/** Wherever Vitest is. */
declare const console: { log(text: string): void };
/** Asked for when it prints: somebody may be listening. */
const log = (table: string): void => console.log(table);

/**
 * Registers the whole battery as a `describe(name)` of Vitest, and prints the capability table when it has run. Call it where
 * tests are declared. Takes about two seconds with the defaults on a heap of 64 KiB.
 *
 * @param make A fresh heap (or subject) each time it is called, always the same one.
 * @throws Error in CJS, which cannot load Vitest. What a test finds is a `ConformanceError`.
 * @example
 * ```ts no-run
 * conformance("hyperheap", () => createHeap({ memory: 65536, strategy: hyperheap() }));
 * ```
 */
export function conformance<H extends Heap>(
  name: string,
  make: () => H | Subject,
  options: ConformanceOptions<H> = {},
): void {
  const { timeout = TIMEOUT, print = log, ...rest } = options;
  const battery = new Battery(make, rest);
  describe(name, () => {
    for (const { title, run } of battery.parts) it(title, { timeout }, run);
    afterAll(() => {
      if (print !== false) print(battery.table(name));
    });
  });
}

export interface SelfTestOptions {
  /** Milliseconds one fault may take; default 60,000. */
  readonly timeout?: number;
  /** Where the table goes; default `console.log`, false: nowhere. */
  readonly print?: ((table: string) => void) | false;
}

/**
 * Registers the planted-fault self-test as a `describe` of Vitest: a test for each known kind of broken allocator, which the
 * battery must find, by a message that names the promise it breaks. Prints what was found. About two seconds.
 *
 * @throws Error in CJS, which cannot load Vitest.
 */
export function conformanceSelfTest(options: SelfTestOptions = {}): void {
  const { timeout = TIMEOUT, print = log } = options;
  const results: SelfTestResult[] = [];
  describe("the conformance kit finds a heap that", () => {
    for (const fault of Object.keys(FAULTS) as Fault[]) {
      it(fault, { timeout }, () => {
        const result = tryFault(fault);
        results.push(result);
        demandFound(result);
      });
    }
    it("and nothing in the sound ones", { timeout }, () => {
      const { message } = tryFault(undefined);
      if (message !== "") throw new Error(message);
    });
    afterAll(() => {
      if (print !== false) print(formatSelfTest(results));
    });
  });
}
