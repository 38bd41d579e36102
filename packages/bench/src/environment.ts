/** Where and when figures were taken; they mean little without it. */
import { availableParallelism, cpus } from "node:os";
import { ownVersion } from "./assets.js";

export interface Environment {
  /** Version of this package. */
  readonly bench: string;
  readonly node: string;
  readonly v8: string;
  readonly platform: string;
  readonly cores: number;
  readonly cpu: string;
  /** ISO 8601, UTC. */
  readonly date: string;
}

export function environment(now: Date = new Date()): Environment {
  return {
    bench: ownVersion(),
    node: process.version,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    cpu: (cpus()[0]?.model ?? "unknown").trim(),
    date: now.toISOString(),
  };
}
