/** The example runs, ends well, and prints what its README says. It runs the built packages: `pnpm test` builds before it tests. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

it("prints what its README says", () => {
  const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
  const shown = /```text\n([\s\S]*?)```/.exec(readme)?.[1];
  const program = fileURLToPath(new URL("main.mjs", import.meta.url));
  expect(execFileSync(process.execPath, [program], { encoding: "utf8", timeout: 60_000 })).toBe(shown);
});
