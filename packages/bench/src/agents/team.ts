/** The threads of the larson workload, and the arrays of blocks they hand over to one another. */
import { createHeap } from "@heapwright/core";
import { ORDER, WORD } from "./control.js";
import { Crew, type TeamRound } from "./crew.js";
import { createLarson, type LarsonShape, SEED } from "./larson.js";
import { agentStack } from "./stacks.js";
import type { LarsonData } from "./thread.js";

/** The same for every stack, and for up to three threads. */
const LEAST_BYTES = 64 << 20;
/** More threads get so much for each block: three times the largest, six times the mean. */
const BLOCK_ROOM = 3072;

export class Team extends Crew {
  readonly #arrays: Int32Array[];

  private constructor(stack: string, threads: number, { blocks }: LarsonShape) {
    const bytes = Math.max(LEAST_BYTES, (threads + 1) * blocks * BLOCK_ROOM);
    const { strategy, plugins } = agentStack(stack);
    const memory = new SharedArrayBuffer(bytes);
    super(createHeap({ memory, strategy: strategy(), plugins: plugins() }), stack, threads);
    Atomics.store(this.control.words, WORD.spare, threads);
    this.#arrays = Array.from({ length: threads + 1 }, () => this.heap.allocArray(Int32Array, blocks));
    const larson = createLarson(this.heap, SEED);
    for (const slots of this.#arrays) larson.fill(slots);
  }

  /** A team whose threads have attached and sleep. */
  static create(stack: string, threads: number, shape: LarsonShape): Promise<Team> {
    const team = new Team(stack, threads, shape);
    const data: LarsonData = { shape, arrays: team.#arrays.map(({ byteOffset }) => byteOffset) };
    return team.start("agents/thread.js", data);
  }

  /** A few rounds with hand-overs in which every block is compared before it is freed; then the heap checks itself. */
  check(): TeamRound {
    const round = this.order(ORDER.check);
    this.heap.check();
    return round;
  }

  /** Works for so many milliseconds. */
  round(ms: number): TeamRound {
    return this.order(ORDER.time, ms);
  }

  /** Ends the threads, then frees all blocks: nothing of the team is left in the heap. */
  override end(): void {
    super.end();
    const larson = createLarson(this.heap, SEED);
    for (const slots of this.#arrays) {
      larson.empty(slots);
      this.heap.free(slots.byteOffset);
    }
  }
}
