/** An example runs, ends well, and prints what its README says. It runs the built packages: `pnpm test` builds before it tests. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * What the README shows (its first block marked `text`), and what the program prints.
 * @param test `import.meta.url` of the test beside them.
 * @param mask What of each is compared; default all.
 */
export function shownAndPrinted(
  test: string,
  mask: (text: string) => string = (text) => text,
): { readonly shown: string; readonly printed: string } {
  const readme = readFileSync(new URL("README.md", test), "utf8");
  const shown = /```text\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const program = fileURLToPath(new URL("main.mjs", test));
  const printed = execFileSync(process.execPath, [program], { encoding: "utf8", timeout: 100_000 });
  return { shown: mask(shown), printed: mask(printed) };
}
