/** `record`: runs a program over a heap that writes down what is asked of it. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createHeap, type Heap } from "@heapwright/core";
import { tlsf } from "@heapwright/tlsf";
import { trace } from "@heapwright/trace";
import { type Command, InvalidArgumentError, Option } from "commander";
import { messageOf, UsageError } from "../errors.js";
import { readTrace } from "../trace.js";
import { describeTrace } from "../trace-stats.js";
import { checkWritable } from "./output.js";

interface RecordOptions {
  readonly output: string;
  readonly operations: number;
  readonly memory: number;
}

type Program = (heap: Heap) => unknown;

const MIB = 1 << 20;
const DEFAULT_OPERATIONS = 1 << 20;
/** As many as one recorder holds. */
const MOST_OPERATIONS = 1 << 23;
/** MiB; pages that nobody writes to take nothing. */
const DEFAULT_MEMORY = 512;

function upTo(most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < 1 || number > most)
      throw new InvalidArgumentError(`Expected 1 to ${most}.`);
    return number;
  };
}

async function load(path: string): Promise<Program> {
  const file = resolve(path);
  if (!existsSync(file)) throw new UsageError(`${path}: no such file`);
  let found: { default?: unknown };
  try {
    found = (await import(pathToFileURL(file).href)) as { default?: unknown };
  } catch (error) {
    throw new UsageError(`${path}: ${messageOf(error)}`);
  }
  if (typeof found.default !== "function")
    throw new UsageError(`${path}: its default export is no function that takes a heap`);
  return found.default as Program;
}

async function record(path: string, { output, operations, memory }: RecordOptions): Promise<void> {
  const program = await load(path);
  await checkWritable("--output", output);
  const heap = createHeap({
    memory: memory * MIB,
    strategy: tlsf(),
    plugins: [trace({ operations })],
  });
  let failure: unknown;
  try {
    await program(heap);
  } catch (error) {
    failure = new Error(`${path}: ${messageOf(error)}`);
  }
  const { recorded, dropped, failed } = heap.trace;
  if (recorded === 0) throw failure ?? new UsageError(`${path}: asked nothing of its heap`);
  await writeFile(output, await heap.trace.toBytes());
  const { operations: written, maxLiveBlocks, peakLiveBytes } = describeTrace(await readTrace(output));
  const lines = [
    `${output}: ${written} operations, ${maxLiveBlocks} blocks and ${Math.round(peakLiveBytes / 1024)} KiB alive at the peak`,
    dropped > 0 ? `${dropped} more came when there was no room: -n takes up to ${MOST_OPERATIONS}` : "",
    failed > 0 ? `${failed} requests found no memory, and are left out` : "",
    `heapwright-bench run --trace ${output}`,
  ];
  process.stdout.write(`${lines.filter((line) => line !== "").join("\n")}\n`);
  if (failure !== undefined) throw failure;
}

export function addRecord(program: Command): void {
  program
    .command("record")
    .description("run a module's default export over a heap, and keep what it asks of it as a trace")
    .argument("<module>", "a file whose default export takes a heap; it may be async")
    .addOption(new Option("-o, --output <file>", "the trace").default("mine.trace.gz"))
    .addOption(
      new Option("-n, --operations <count>", "most operations to record")
        .argParser(upTo(MOST_OPERATIONS))
        .default(DEFAULT_OPERATIONS),
    )
    .addOption(new Option("--memory <MiB>", "size of the heap").argParser(upTo(4095)).default(DEFAULT_MEMORY))
    .action(record);
}
