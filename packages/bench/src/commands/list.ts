/** `list`: the names that the options take. */
import type { Command } from "commander";
import { aboutMeasure, measureNames } from "../measures.js";
import { STACKS } from "../stacks/stacks.js";
import { knownNames, loadTarget } from "../targets/index.js";
import { readTrace } from "../trace.js";
import { describeTrace } from "../trace-stats.js";
import { BUNDLED_TRACES, bundledTrace, traceNames } from "../traces.js";
import { WORKLOADS } from "../workloads/index.js";

async function showList(): Promise<void> {
  const lines = ["allocators"];
  for (const name of knownNames) {
    const module = await loadTarget(name);
    lines.push(`  ${name.padEnd(10)} ${module.about} (${module.version()})`);
  }
  lines.push("", "traces");
  for (const name of traceNames) {
    const { operations, peakLiveBytes } = describeTrace(await readTrace(bundledTrace(name)));
    const size = `${operations} operations, ${Math.round(peakLiveBytes / 1024)} KiB at the peak`;
    lines.push(`  ${name.padEnd(10)} ${BUNDLED_TRACES[name]}: ${size}`);
  }
  lines.push("", "classic workloads");
  for (const [name, { about }] of Object.entries(WORKLOADS)) lines.push(`  ${name.padEnd(14)} ${about}`);
  lines.push("", "measures", ...measureNames.map((name) => `  ${name.padEnd(11)} ${aboutMeasure(name)}`));
  lines.push(
    "",
    "stacks",
    ...Object.entries(STACKS).map(([name, { about }]) => `  ${name.padEnd(12)} ${about}`),
  );
  process.stdout.write(`${lines.join("\n")}\n`);
}

export function addList(program: Command): void {
  program
    .command("list")
    .description("name the allocators, traces, measures and stacks there are")
    .action(showList);
}
