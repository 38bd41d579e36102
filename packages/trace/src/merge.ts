/**
 * From what agents have recorded to one trace: entries in one order, addresses become ids.
 *
 * | what is found | becomes |
 * |---|---|
 * | a free of a block that is not in the trace: it was there before, or its agent's part is missing | nothing; it is in `leftOut` |
 * | a realloc of such a block | a malloc |
 * | a block made where one still lives: its end was not recorded | the end, then the block; it is in `implied` |
 * | `reset`, `release` | a free for each block that ends, the youngest first |
 * | a request of more than 1 GiB, which no file can have | nothing; the block is none of the trace's |
 *
 * Price: about 0.5 µs an operation.
 */
import { Blocks } from "./blocks.js";
import { TraceBuilder } from "./builder.js";
import { TraceError } from "./errors.js";
import { CALLOC, FREE, MALLOC, MAX_SIZE, MEMALIGN, REALLOC, type Trace } from "./format.js";
import type { TracePart } from "./log.js";
import * as log from "./log.js";
import { inOrder } from "./order.js";

/** A trace, and how far it is what happened. */
export interface RecordedTrace extends Trace {
  /** Operations on blocks that are none of the trace's. */
  readonly leftOut: number;
  /** Frees that nobody recorded, and that must have been. */
  readonly implied: number;
}

/** log2 of what every block has. */
const PLAIN_LOG2 = 4;

/**
 * One trace of the parts of one heap: of one agent or of several, in any order. O(entries × agents).
 *
 * @param name what the trace is called; default the heap's name.
 * @throws {@link TraceError} if there is no operation, if parts are of different heaps, or one is there twice.
 */
export function mergeTraces(parts: readonly TracePart[], name?: string): RecordedTrace {
  const { heap = "trace" } = parts[0] ?? {};
  for (const { part, heap: other } of parts) {
    if (part !== 1) throw new TraceError(`a part of version ${String(part)}, only 1 is known`);
    if (other !== heap)
      throw new TraceError(`parts of two heaps, ${JSON.stringify(heap)} and ${JSON.stringify(other)}`);
  }
  const merger = new Merger();
  inOrder(parts, (part, at) => merger.entry(part, at));
  const dropped = new Map<number, number>();
  const names = new Map<number, string>();
  for (const part of parts) {
    dropped.set(part.agent, Math.max(part.dropped, dropped.get(part.agent) ?? 0));
    for (const [tag, text] of part.names ?? []) names.set(tag, text);
  }
  const missing = [...dropped.values()].reduce((sum, each) => sum + each, merger.builder.dropped);
  if (merger.builder.length === 0) throw new TraceError("no operation was recorded");
  const trace = merger.builder.finish(name ?? heap, (tag) => names.get(tag) ?? `#${tag}`, missing);
  return { ...trace, leftOut: merger.leftOut, implied: merger.implied };
}

class Merger {
  readonly builder = new TraceBuilder();
  leftOut = 0;
  implied = 0;
  readonly #blocks = new Blocks();
  /** Block that an agent's `realloc` has taken from its address; -1: one that is none of the trace's. */
  readonly #moving = new Map<number, number>();
  readonly #marks = new Map<number, number>();
  readonly #clocks = new Map<number, number>();
  #position = 0;

  entry(part: TracePart, at: number): void {
    const { words, agent } = part;
    const ptr = words[at + 1] >>> 0;
    this.#position++;
    switch (words[at] & log.KIND_MASK) {
      case log.ALLOC:
        this.#make(part, at, ptr);
        break;
      case log.FREE:
        this.#free(agent, this.#blocks.at(ptr));
        break;
      case log.RESIZED:
        this.#resize(part, at, this.#blocks.at(ptr));
        break;
      case log.FROM: {
        const id = this.#blocks.at(ptr);
        if (id >= 0) this.#blocks.leave(id);
        this.#moving.set(agent, id);
        break;
      }
      case log.TO: {
        const id = this.#moving.get(agent) ?? -1;
        this.#moving.delete(agent);
        this.#endUnseen(agent, ptr);
        if (id >= 0) this.#blocks.move(id, ptr, this.#position);
        this.#resize(part, at, id);
        break;
      }
      case log.RESET:
        this.#endSince(agent, -1);
        break;
      case log.MARK:
        this.#marks.set(log.numberOf(words[at + 1], words[at + 2]), this.#position);
        break;
      case log.RELEASE:
        // A mark that was made before the recording: all that was recorded came after it.
        this.#endSince(agent, this.#marks.get(log.numberOf(words[at + 1], words[at + 2])) ?? -1);
        break;
      case log.TIME:
        this.#clocks.set(agent, log.numberOf(words[at + 1], words[at + 2]));
        break;
      default:
        throw new TraceError(`an entry of unknown kind ${words[at] & log.KIND_MASK}`);
    }
  }

  #make(part: TracePart, at: number, ptr: number): void {
    const { words, agent, zeroed } = part;
    const size = words[at + 2] >>> 0;
    this.#endUnseen(agent, ptr);
    if (size > MAX_SIZE) {
      this.leftOut++;
      return;
    }
    const id = this.#blocks.add(ptr, this.#position, part.tags?.[at / log.ENTRY_WORDS] ?? 0);
    const alignLog2 = (words[at] >>> log.ALIGN_SHIFT) & 0xff;
    if (alignLog2 > PLAIN_LOG2) this.#add(MEMALIGN, agent, id, size, alignLog2);
    else this.#add(zeroed ? CALLOC : MALLOC, agent, id, size);
  }

  /** The block of an id is at its address, with another size. */
  #resize(part: TracePart, at: number, id: number): void {
    const { words, agent } = part;
    const size = words[at + 2] >>> 0;
    if (id < 0) {
      this.#make(part, at, words[at + 1] >>> 0);
      return;
    }
    if (size > MAX_SIZE) {
      this.leftOut++;
      this.#free(agent, id);
      return;
    }
    const tag = part.tags?.[at / log.ENTRY_WORDS] ?? 0;
    if (tag !== 0) this.#blocks.tagOf[id] = tag;
    const alignLog2 = (words[at] >>> log.ALIGN_SHIFT) & 0xff;
    this.#add(REALLOC, agent, id, size, alignLog2 > PLAIN_LOG2 ? alignLog2 : 0);
  }

  #free(agent: number, id: number): void {
    if (id < 0) {
      this.leftOut++;
      return;
    }
    this.#add(FREE, agent, id, 0);
    this.#blocks.end(id);
  }

  /** Somebody is given an address: what was there has ended. */
  #endUnseen(agent: number, ptr: number): void {
    const id = this.#blocks.at(ptr);
    if (id < 0) return;
    this.implied++;
    this.#free(agent, id);
  }

  #endSince(agent: number, point: number): void {
    for (const id of this.#blocks.endSince(point)) this.#add(FREE, agent, id, 0);
  }

  #add(op: number, agent: number, id: number, size: number, alignLog2 = 0): void {
    const time = this.#clocks.get(agent) ?? 0;
    this.builder.add({ op, alignLog2, agent, id, size, tag: this.#blocks.tagOf[id], time });
  }
}
