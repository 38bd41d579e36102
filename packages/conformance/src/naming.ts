/**
 * Names for blocks: a generated program says "the 17th of the blocks alive", which means another block as soon as one
 * operation is left out. With names, a program can be cut anywhere and the rest keeps its meaning.
 */
import type { Heap } from "@heapwright/core";
import type { AllocOp, Op, Program } from "./program.js";
import { ConformanceError } from "./promises.js";
import { Runner, type RunOptions } from "./run.js";
import type { Subject } from "./subject.js";

/** Does it make a new block? */
export function makes(op: Op): op is AllocOp {
  return op.op === "alloc" || op.op === "allocUnsafe" || op.op === "dup" || op.op === "reallocNull";
}

/** The name an operation gives to a block, or the one it refers to. */
export function nameIn(op: Op): string | undefined {
  if ("as" in op && op.as !== undefined) return op.as;
  return "block" in op && typeof op.block === "string" ? op.block : undefined;
}

/**
 * The same program with a name for each block, without the operations whose block did not live. Runs it, to see which
 * block each operation means, and stops where that fails.
 */
export function nameBlocks(target: Heap | Subject, program: Program, options: RunOptions): Program {
  // Only the heap's answers matter here, verifying comes later.
  const rare = Number.POSITIVE_INFINITY;
  const runner = start(target, { ...options, checkEvery: rare, auditEvery: rare, compareBytes: 0 });
  // The heap is broken before anything is done to it.
  if (runner === undefined) return program;
  const named: Op[] = [];
  for (const [index, op] of program.entries()) {
    const failed = !succeeds(runner, op);
    const maker = runner.pickedBlock;
    const { op: name, ...fields } = op;
    if (makes(op)) named.push({ op: name, as: `b${index}`, ...withoutName(fields) } as Op);
    else if (!("block" in op)) named.push(op);
    else if (maker !== undefined) named.push({ ...op, block: `b${maker}` });
    else if (!needsBlock(op)) named.push(op);
    if (failed) break;
  }
  return named;
}

function start(target: Heap | Subject, options: RunOptions): Runner | undefined {
  try {
    return new Runner(target, options);
  } catch (error) {
    if (error instanceof ConformanceError) return undefined;
    throw error;
  }
}

function succeeds(runner: Runner, op: Op): boolean {
  try {
    runner.step(op);
    return true;
  } catch (error) {
    if (error instanceof ConformanceError) return false;
    throw error;
  }
}

function withoutName(fields: object): object {
  const { as: _, ...rest } = fields as { as?: unknown };
  return rest;
}

/** Does nothing happen without its block? */
function needsBlock(op: Op): boolean {
  if (op.op === "badPointer") return op.where !== "area" && op.where !== "outside";
  if (op.op === "badSize" || op.op === "badAlign" || op.op === "badTag") {
    return op.call === "realloc" || op.call === "reallocUnsafe";
  }
  return true;
}

/** The names in order of appearance: a, b, … z, a1, …; names nothing refers to and blocks nobody looks at are dropped. */
export function tidyNames(program: Program): Program {
  const used = new Set<string>();
  for (const op of program) if ("block" in op && typeof op.block === "string") used.add(op.block);
  const short = new Map<string, string>();
  for (const name of used) {
    const round = Math.floor(short.size / 26);
    short.set(name, String.fromCharCode(97 + (short.size % 26)) + (round === 0 ? "" : round));
  }
  return program.map((op) => {
    if ("block" in op) {
      if (!needsBlock(op)) return { ...op, block: 0 };
      return typeof op.block === "string" ? ({ ...op, block: short.get(op.block) } as Op) : op;
    }
    if (!("as" in op) || op.as === undefined) return op;
    const name = short.get(op.as);
    return name === undefined ? (withoutName(op) as Op) : ({ ...op, as: name } as Op);
  });
}
