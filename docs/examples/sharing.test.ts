import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** In a directory of its own beside the built packages, as an app has them. */
it("shares a heap among threads, one of which dies", () => {
  const directory = mkdtempSync(join(tmpdir(), "heapwright-sharing-"));
  try {
    copyFileSync(here("sharing.mjs"), join(directory, "sharing.mjs"));
    symlinkSync(here("../../packages/bench/node_modules"), join(directory, "node_modules"), "junction");
    const printed = execFileSync(process.execPath, ["sharing.mjs"], {
      cwd: directory,
      encoding: "utf8",
      timeout: 100_000,
    });
    expect(printed.split("\n")).toEqual([
      'a worker died in "none": 0 errors, 0 messages under way',
      "ONE TWO THREE FOUR",
      "job 2 was not done",
      "0 bytes in use",
      "",
    ]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
