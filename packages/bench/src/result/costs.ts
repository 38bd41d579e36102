/** The shapes of the measures of what composing, views and sharing cost. */
import * as v from "valibot";
import {
  count,
  failure,
  figures,
  finite,
  interval,
  list,
  number,
  ratioPair,
  rounds,
  text,
  verdict,
} from "./parts.js";

export const composition = v.object({
  rows: list(
    v.object({
      what: text,
      workload: text,
      crowded: v.boolean(),
      unit: v.picklist(["operation", "alloc+free pair"]),
      base: number,
      other: number,
      difference: interval,
      limit: finite,
      verdict,
    }),
  ),
  failure: v.exactOptional(text),
  complete: v.boolean(),
});

export const viewType = v.picklist(["Uint8Array", "Uint32Array", "Float64Array"]);
export const views = v.object({
  rows: list(
    v.variant("status", [
      v.object({
        type: viewType,
        status: v.literal("measured"),
        plain: v.object(figures),
        checked: v.object(figures),
        ratio: ratioPair,
      }),
      v.object({ type: viewType, status: v.literal("not run"), ...failure }),
    ]),
  ),
  complete: v.boolean(),
});

export const larsonPlace = { stack: text, workers: count };
export const agents = v.object({
  stacks: list(v.object({ name: text, about: text, front: v.boolean() })),
  workers: list(count),
  cells: list(
    v.variant("status", [
      v.object({
        ...larsonPlace,
        status: v.literal("measured"),
        processes: rounds,
        rounds: v.optional(
          v.pipe(
            v.unknown(),
            v.transform(() => [] as const),
          ),
          [],
        ),
        median: finite,
        min: finite,
        max: finite,
        ratio: v.exactOptional(interval),
        ratioVerdict: v.exactOptional(verdict),
        entered: interval,
        enteredVerdict: v.exactOptional(verdict),
        contended: number,
      }),
      v.object({ ...larsonPlace, status: v.literal("not run"), ...failure }),
    ]),
  ),
  lock: list(
    v.object({
      workload: v.picklist(["replace", "pattern"]),
      without: v.object(figures),
      with: v.object(figures),
      difference: interval,
      ofMinima: number,
      limit: finite,
      verdict,
    }),
  ),
  lockFailure: v.exactOptional(v.object(failure)),
  complete: v.boolean(),
});

const threadsPlace = { trace: text, stack: text, threads: count };
export const threads = v.object({
  stacks: list(v.object({ name: text, about: text })),
  traces: list(v.object({ name: text, threads: count, operations: count })),
  cells: list(
    v.variant("status", [
      v.object({
        ...threadsPlace,
        status: v.literal("measured"),
        processes: rounds,
        median: finite,
        min: finite,
        max: finite,
        ratio: v.exactOptional(interval),
        entered: number,
        contended: number,
      }),
      v.object({ ...threadsPlace, status: v.literal("not run"), ...failure }),
    ]),
  ),
  complete: v.boolean(),
});
