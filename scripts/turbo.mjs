// Starts turbo: telemetry off, and pnpm to be found. turbo looks for `pnpm` on the PATH, where `npx pnpm@… build` puts it,
// but `npm run build` or a pnpm that was started by its file does not; then it gets a one-line stand-in.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { onPath, pnpmCommand, root } from "./lib/workspace.mjs";

const env = { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" };
env.PATH = [join(root, "node_modules", ".bin"), env.PATH].join(delimiter);

if (!onPath("pnpm")) {
  const dir = join(root, "node_modules", ".cache", "heapwright-pnpm");
  mkdirSync(dir, { recursive: true });
  const command = pnpmCommand().map((part) => `"${part}"`);
  writeFileSync(join(dir, "pnpm"), `#!/bin/sh\nexec ${command.join(" ")} "$@"\n`);
  writeFileSync(join(dir, "pnpm.cmd"), `@${command.join(" ")} %*\r\n`);
  chmodSync(join(dir, "pnpm"), 0o755);
  env.PATH = [dir, env.PATH].join(delimiter);
}

const { status } = spawnSync("turbo", process.argv.slice(2), {
  cwd: root,
  env,
  stdio: "inherit",
  shell: process.platform === "win32",
});
process.exit(status ?? 1);
