/** The threads that replay a trace together, and the heap they do it on. */
import { createHeap } from "@heapwright/core";
import { ORDER } from "../agents/control.js";
import { Crew, type TeamRound } from "../agents/crew.js";
import { agentStack } from "../agents/stacks.js";
import { prepare } from "../replay.js";
import type { Trace } from "../trace.js";
import { describeTrace } from "../trace-stats.js";
import { type Board, clearBoard, createBoard, sharesOf } from "./share.js";
import type { ReplayData } from "./thread.js";

/** Alignment of every block. */
const ALIGNMENT = 16;
const LEAST_BYTES = 64 << 20;
/** So many times what is alive at the peak. */
const ROOM = 8;

export class ReplayCrew extends Crew {
  readonly #board: Board;

  private constructor(stack: string, threads: number, bytes: number, board: Board) {
    const { strategy, plugins } = agentStack(stack);
    const memory = new SharedArrayBuffer(bytes);
    super(createHeap({ memory, strategy: strategy(), plugins: plugins() }), stack, threads);
    this.#board = board;
  }

  /** A crew whose threads have attached and sleep. */
  static create(stack: string, threads: number, trace: Trace, writes: number): Promise<ReplayCrew> {
    const program = prepare(trace, ALIGNMENT);
    const bytes = Math.max(LEAST_BYTES, ROOM * describeTrace(trace).peakLiveBytes);
    const { shares, blocks } = sharesOf(program, trace.threads, threads);
    const board = createBoard(blocks, threads);
    const crew = new ReplayCrew(stack, threads, bytes, board);
    const data: ReplayData = { shares, board, writes };
    return crew.start("threads/thread.js", data);
  }

  /** A replay in which every byte of every block is compared before its end; then the heap checks itself, and is empty. */
  check(): TeamRound {
    const round = this.order(ORDER.check);
    this.heap.check();
    this.#settle();
    return round;
  }

  /** One replay. What is alive in its end is freed outside of it. */
  replay(): TeamRound {
    const round = this.order(ORDER.time);
    this.#settle();
    return round;
  }

  #settle(): void {
    for (const ptr of this.#board.slots) if (ptr !== 0) this.heap.free(ptr);
    clearBoard(this.#board);
  }
}
