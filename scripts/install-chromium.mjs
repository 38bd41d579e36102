// Brings the browser that the tests in `browser/` drive: Debian's package `chromium`, by apt-get. Does nothing where it is there
// already; ends with 1 and says why where it cannot be brought. CHROMIUM_PATH names another one.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { onPath } from "./lib/workspace.mjs";

const path = process.env.CHROMIUM_PATH || "/usr/bin/chromium";

/** Why it cannot be had, or nothing if it is there. */
function install() {
  if (existsSync(path)) return;
  if (process.env.CHROMIUM_PATH) return "CHROMIUM_PATH names a file that does not exist";
  if (!onPath("apt-get")) return "there is no apt-get; install Chromium and set CHROMIUM_PATH";
  if (process.getuid?.() !== 0) return "only root may install it: apt-get install chromium";
  console.log("installing Chromium …");
  return apt("update") ?? apt("install", "-y", "--no-install-recommends", "chromium");
}

function apt(...args) {
  const { status, stdout, stderr, error } = spawnSync("apt-get", ["-qq", ...args], {
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status !== 0) return `apt-get ${args[0]} failed\n${error ?? `${stdout}${stderr}`.trim()}`;
}

const reason = install() ?? (existsSync(path) ? undefined : "the package brought no such file");
if (reason !== undefined) {
  console.error(`no Chromium at ${path}: ${reason}`);
  process.exitCode = 1;
}
