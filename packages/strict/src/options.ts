/** Options that are wrong are refused where they are written. */

/**
 * @throws RangeError unless `value` is undefined or an integer in `least` … `most` and a multiple of `step`; its `code` is
 * `ERR_INVALID_OPTION`, as that of a heap's own error.
 */
export function checkOption(
  plugin: string,
  name: string,
  value: unknown,
  least: number,
  most: number,
  step = 1,
): void {
  if (value === undefined) return;
  const fits = Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  if (fits && (value as number) % step === 0) return;
  const multiple = step === 1 ? "an integer" : `a multiple of ${step}`;
  throw invalidOption(plugin, name, `${multiple} in ${least} … ${most}`, value);
}

/** @throws RangeError unless `value` is undefined or one of the words. */
export function checkChoice(plugin: string, name: string, value: unknown, words: readonly string[]): void {
  if (value === undefined || words.includes(value as string)) return;
  throw invalidOption(plugin, name, words.map((word) => JSON.stringify(word)).join(" or "), value);
}

export function invalidOption(plugin: string, name: string, must: string, value: unknown): RangeError {
  const found = typeof value === "string" ? JSON.stringify(value) : String(value);
  return Object.assign(new RangeError(`${plugin}: ${name} must be ${must}, not ${found}`), {
    code: "ERR_INVALID_OPTION",
  });
}
