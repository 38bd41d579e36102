/**
 * What the measures' shapes are made of. No list may be longer, no text longer than any real one, and no number infinite, as 1e999
 * is. JSON has no NaN: it is null where a number is looked for.
 */
import * as v from "valibot";

const MOST_ITEMS = 20_000;
const MOST_CHARACTERS = 10_000;

export const text = v.pipe(v.string(), v.maxLength(MOST_CHARACTERS));
/** One line that can be printed: no control characters, no terminal's escapes, nothing that turns the direction of text. */
export const line = v.pipe(text, v.regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, "not a line of text"));
export const finite = v.pipe(v.number(), v.finite());
export const number = v.pipe(
  v.nullable(finite),
  v.transform((value) => value ?? Number.NaN),
);
export const count = v.pipe(finite, v.minValue(0));
/** Times: they have logarithms. */
export const positive = v.pipe(finite, v.gtValue(0));
export const list = <const Item extends v.GenericSchema>(item: Item) =>
  v.pipe(v.array(item), v.maxLength(MOST_ITEMS), v.readonly());

export const rounds = v.pipe(list(v.pipe(list(positive), v.minLength(1))), v.minLength(1));
export const figures = { processes: rounds, median: positive, min: positive, spreadPercent: number };
export const ratioPair = v.object({ ofMedians: number, ofMinima: number });
export const interval = v.object({ value: number, low: number, high: number });
/** Numbers that only grow: what is drawn over them goes to the right. */
export const ascending = v.pipe(
  list(count),
  v.minLength(1),
  v.check((values) => values.every((value, i) => i === 0 || value > values[i - 1]), "numbers that only grow"),
);
export const verdict = v.picklist(["within", "over", "unsure"]);

export const name = v.pipe(line, v.minLength(1), v.maxLength(200));
export const allocator = v.object({ name, about: line, version: line, notes: list(line) });
export const allocators = list(allocator);
export const failure = { reason: line, detail: text };
export const place = { allocator: name, trace: name };
export const notRun = v.object({ ...place, status: v.literal("not run"), ...failure });
/** What was measured, or why it was not. */
export const cellsOf = <const Measured extends v.ObjectEntries>(measured: Measured) =>
  list(v.variant("status", [v.object({ ...place, status: v.literal("measured"), ...measured }), notRun]));
