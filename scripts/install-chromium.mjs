// Brings the browser that the tests in `browser/` drive: Debian's package `chromium`, by apt-get. Does nothing where it is there
// already; ends with 1 and says why where it cannot be brought. CHROMIUM_PATH names another one.
import { existsSync } from "node:fs";
import { aptInstall } from "./lib/apt.mjs";

const path = process.env.CHROMIUM_PATH || "/usr/bin/chromium";

/** Why it cannot be had, or nothing if it is there. */
function install() {
  if (existsSync(path)) return;
  if (process.env.CHROMIUM_PATH) return "CHROMIUM_PATH names a file that does not exist";
  return aptInstall("chromium");
}

const reason = install() ?? (existsSync(path) ? undefined : "the package brought no such file");
if (reason !== undefined) {
  console.error(`no Chromium at ${path}: ${reason}`);
  process.exitCode = 1;
}
