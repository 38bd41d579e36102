/** Runs a command and adds the seconds it took to a file: waiting for a turn, in the command this is started by, does not count. */
import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";

const [file, command, ...args] = process.argv.slice(2);
const start = performance.now();
const { status } = spawnSync(command, args, { stdio: "inherit" });
appendFileSync(file, `${((performance.now() - start) / 1000).toFixed(1)}\n`);
process.exitCode = status ?? 1;
