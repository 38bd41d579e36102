/** Values of options: what commander hands on is checked here. */
import { InvalidArgumentError } from "commander";

/** Names with commas between them, each once. */
export function list(value: string): string[] {
  const names = value.split(",").map((name) => name.trim());
  if (names.includes("")) throw new InvalidArgumentError("Expected names with commas between them.");
  return [...new Set(names)];
}

/** How many times: 1 to 1000. */
export function count(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1 || number > 1000)
    throw new InvalidArgumentError("Expected 1 to 1000.");
  return number;
}

/** Several numbers from 1 to `most`, ascending. */
export function countsUpTo(most: number): (value: string) => number[] {
  return (value) => {
    const counts = list(value).map(Number);
    if (counts.some((each) => !Number.isInteger(each) || each < 1 || each > most))
      throw new InvalidArgumentError(`Expected numbers from 1 to ${most} with commas between them.`);
    return counts.sort((a, b) => a - b);
  };
}
