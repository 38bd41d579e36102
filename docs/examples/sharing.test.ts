import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** It prints what the guide says, in a directory of its own beside the built packages, as an app has them. */
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
    const guide = readFileSync(here("../guides/sharing-between-workers.md"), "utf8");
    expect(printed).toBe(/^It prints\n\n```text\n(.*?)```/ms.exec(guide)?.[1]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
