/** Files that results are kept in. */
import { open } from "node:fs/promises";
import { messageOf, UsageError } from "../errors.js";

/** Finds out before the measuring whether the results can be kept. */
export async function checkWritable(option: string, path: string): Promise<void> {
  try {
    await (await open(path, "a")).close();
  } catch (error) {
    throw new UsageError(`${option}: ${messageOf(error)}`);
  }
}
