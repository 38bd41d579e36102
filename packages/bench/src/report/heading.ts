/** What stands above all tables: where and with what was measured. */
import type { ComparedAllocator } from "../compare.js";
import type { Environment } from "../environment.js";
import { wrap } from "./layout.js";

export function heading(environment: Environment, allocators: readonly ComparedAllocator[]): string {
  const { bench, node, platform, cores, cpu, date } = environment;
  const versions = allocators.map(({ name, version }) => `${name}: ${version}`).join("; ");
  return [
    `Heapwright bench ${bench}: Node ${node}, ${platform}, ${cores} cores (${cpu}), ${date}`,
    wrap(versions),
  ].join("\n");
}
