/** Options that are wrong are refused where they are written. */

/** @throws RangeError (`code`: `ERR_INVALID_OPTION`) unless `value` is undefined or an integer in `least` … `most`. */
export function checkInteger(name: string, value: unknown, least: number, most: number): void {
  if (value === undefined) return;
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw invalidOption(name, `an integer in ${least} … ${most}`, value);
}

/** @throws RangeError (`code`: `ERR_INVALID_OPTION`) unless `value` is undefined or a boolean. */
export function checkFlag(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "boolean") throw invalidOption(name, "a boolean", value);
}

function invalidOption(name: string, must: string, value: unknown): RangeError {
  const found = typeof value === "string" ? JSON.stringify(value) : String(value);
  return Object.assign(new RangeError(`stats: ${name} must be ${must}, not ${found}`), {
    code: "ERR_INVALID_OPTION",
  });
}
