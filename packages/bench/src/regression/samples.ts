/**
 * What two results have in common, as samples: a value per process, from its fastest round. Two processes of the same code differ by more
 * than two rounds of one, so rounds are no sample.
 *
 * A machine drifts between two runs by more than what is looked for. The references are the same wasm in both, and each of
 * their processes took turns with one of every allocator; so a value is the logarithm of the allocator's time over the
 * geometric mean of theirs.
 */
import { mean } from "simple-statistics";
import type { Comparison, Measured } from "../compare.js";
import { measuredCell } from "../summary.js";
import { REFERENCES } from "../targets/index.js";
import type { Pair } from "./statistics.js";

/** An allocator on a trace, in both results. */
export interface SamplePair extends Pair {
  readonly allocator: string;
  readonly trace: string;
}

/** An allocator that had figures for a trace and now has none. */
export interface Lost {
  readonly allocator: string;
  readonly trace: string;
  readonly reason: string;
}

export interface Samples {
  readonly references: readonly string[];
  readonly pairs: readonly SamplePair[];
  readonly lost: readonly Lost[];
  /** What is in one result only, or cannot be compared, in words. */
  readonly leftOut: readonly string[];
}

/** One process of a slow allocator is no sample. */
function cellOf({ cells }: Comparison, allocator: string, trace: string): Measured | undefined {
  const cell = measuredCell(cells, allocator, trace);
  return cell?.slow ? undefined : cell;
}

function fastest({ processes }: Measured): number[] {
  return processes.map((rounds) => Math.log(Math.min(...rounds)));
}

/** Processes of the same set are paired; an interrupted run may lack the last ones of some. */
function overReferences(cell: Measured, references: readonly Measured[]): number[] {
  const bases = references.map(fastest);
  return fastest(cell)
    .slice(0, Math.min(...bases.map(({ length }) => length)))
    .map((value, set) => (bases.length === 0 ? value : value - mean(bases.map((base) => base[set]))));
}

interface Sides {
  readonly old: Comparison;
  readonly new: Comparison;
}

function versionIn({ allocators }: Comparison, name: string): string | undefined {
  return allocators.find((each) => each.name === name)?.version;
}

/** Those that both results have, in the same version, on every trace. */
function referencesOf({ old, new: now }: Sides, traces: readonly string[]): string[] {
  return REFERENCES.filter((name) => {
    const version = versionIn(old, name);
    return (
      version !== undefined &&
      version === versionIn(now, name) &&
      traces.every((trace) => cellOf(old, name, trace) && cellOf(now, name, trace))
    );
  });
}

function namesOf(items: readonly { readonly name: string }[]): string[] {
  return items.map(({ name }) => name);
}

function onlyIn(where: string, mine: readonly string[], others: readonly string[]): string[] {
  const names = mine.filter((name) => !others.includes(name));
  return names.length === 0 ? [] : [`only in the ${where} result: ${names.join(", ")}`];
}

/** @param only these allocators; default all. */
export function samplesOf(sides: Sides, only?: readonly string[]): Samples {
  const { old, new: now } = sides;
  const leftOut = [
    ...onlyIn("old", namesOf(old.allocators), namesOf(now.allocators)),
    ...onlyIn("new", namesOf(now.allocators), namesOf(old.allocators)),
    ...onlyIn("old", namesOf(old.traces), namesOf(now.traces)),
    ...onlyIn("new", namesOf(now.traces), namesOf(old.traces)),
  ];
  const traces: string[] = [];
  for (const { name, stats } of old.traces) {
    const other = now.traces.find((each) => each.name === name);
    if (other === undefined) continue;
    if (JSON.stringify(stats) === JSON.stringify(other.stats)) traces.push(name);
    else leftOut.push(`${name}: two different traces of this name`);
  }
  const references = referencesOf(sides, traces);
  const allocators = namesOf(old.allocators).filter(
    (name) =>
      namesOf(now.allocators).includes(name) &&
      (only === undefined ? !references.includes(name) : only.includes(name)),
  );

  const pairs: SamplePair[] = [];
  const lost: Lost[] = [];
  for (const allocator of allocators) {
    for (const trace of traces) {
      const before = cellOf(old, allocator, trace);
      const after = cellOf(now, allocator, trace);
      if (before !== undefined && after !== undefined) {
        const bases = references.filter((name) => name !== allocator);
        const sample = (side: Comparison, cell: Measured): number[] =>
          overReferences(
            cell,
            bases.map((name) => cellOf(side, name, trace) as Measured),
          );
        pairs.push({ allocator, trace, old: sample(old, before), new: sample(now, after) });
        continue;
      }
      const cell = now.cells.find((each) => each.allocator === allocator && each.trace === trace);
      if (before !== undefined && cell !== undefined)
        lost.push({ allocator, trace, reason: cell.status === "not run" ? cell.reason : "slow" });
      else
        leftOut.push(
          `${allocator} on ${trace}: no sample in ${before === undefined ? "the old" : "the new"} result`,
        );
    }
  }
  return { references, pairs, lost, leftOut };
}
