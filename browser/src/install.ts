/** Before the tests: brings Chromium where that can be done. Where not, the tests fail and say what is missing. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export default function install(): void {
  const script = fileURLToPath(new URL("../../scripts/install-chromium.mjs", import.meta.url));
  spawnSync(process.execPath, [script], { stdio: "inherit" });
}
