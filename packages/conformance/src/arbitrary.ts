/** Random programs as fast-check arbitraries: the same operations as the generator's, each of which can be shrunk. */
import * as fc from "fast-check";
import { alignBands, badAlignments, MAX_GROWTH, type OpName, type Profile, sizeBands } from "./profile.js";
import {
  ALIGNED_CALLS,
  BAD_MARKS,
  BAD_PLACES,
  BAD_POINTERS,
  BAD_SIZES,
  BAD_TAGS,
  type Op,
  POINTER_CALLS,
  type Program,
  SIZED_CALLS,
} from "./program.js";

/** `{ op, …fields }`, with a field for each arbitrary. */
function operation(op: OpName, fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Op> {
  return fc.record(fields).map((values) => ({ op, ...values }) as unknown as Op);
}

/**
 * One operation.
 *
 * Shrinks to small sizes, alignment 16 and the block made first.
 */
export function opArbitrary(profile: Profile): fc.Arbitrary<Op> {
  const size = fc.oneof(
    ...sizeBands(profile.capacity).map(({ weight, min, max, exact }) => ({
      weight,
      arbitrary: exact === undefined ? fc.integer({ min, max }) : fc.constantFrom(...exact),
    })),
  );
  const align = fc.oneof(
    ...alignBands(profile.maxAlign).map(({ weight, align }) => ({ weight, arbitrary: fc.constant(align) })),
  );
  const block = fc.nat({ max: 1023 });
  const tag = fc.nat({ max: 7 });
  const bytes = fc.oneof(fc.integer({ min: 1, max: 4096 }), fc.integer({ min: 1, max: MAX_GROWTH }));
  const from = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
  const call = from(POINTER_CALLS);

  const fields: Record<OpName, Record<string, fc.Arbitrary<unknown>>> = {
    alloc: { size, align, tag },
    allocUnsafe: { size, align, tag },
    dup: { size, align, tag },
    reallocNull: { size, align, tag },
    realloc: { block, size, align },
    reallocUnsafe: { block, size, align },
    resize: { block, size },
    free: { block },
    freeNull: {},
    grow: { bytes },
    growForeign: { bytes },
    reset: {},
    check: {},
    mark: {},
    release: { mark: fc.nat({ max: 63 }) },
    badSize: { call: from(SIZED_CALLS), value: from(BAD_SIZES), block },
    badAlign: { call: from(ALIGNED_CALLS), value: from(badAlignments(profile.maxAlign)), block },
    badTag: { call: from(ALIGNED_CALLS), value: from(BAD_TAGS), block },
    badPointer: { call, where: from(BAD_PLACES), block, offset: fc.nat({ max: 2 ** 20 }) },
    badValue: { call, value: from(BAD_POINTERS) },
    badFree: { block },
    badMark: { value: from(BAD_MARKS) },
  };
  const choices = (Object.keys(fields) as OpName[])
    .filter((name) => profile.weights[name] > 0)
    .map((name) => ({
      // fast-check wants whole numbers.
      weight: Math.max(1, Math.round(profile.weights[name] * 16)),
      arbitrary: operation(name, fields[name]),
    }));
  return fc.oneof(...choices);
}

/** Programs of up to `maxOperations` operations; any subset of one is one, so they shrink freely. */
export function programArbitrary(profile: Profile, maxOperations: number): fc.Arbitrary<Program> {
  return fc.array(opArbitrary(profile), { minLength: 1, maxLength: maxOperations, size: "max" });
}
