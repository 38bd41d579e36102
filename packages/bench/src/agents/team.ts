/**
 * Threads that work on one heap together: started, told when to begin and to stop, and measured. Throughput is all that was done
 * between the first thread's begin and the last one's end, so a thread that comes late or ends late costs.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { createHeap, type Heap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { built } from "../assets.js";
import { OutOfMemory } from "../targets/target.js";
import { WrongAnswer } from "../verify.js";
import { Control, ORDER, WORD } from "./control.js";
import { createLarson, type LarsonShape, SEED, STEP_OPERATIONS } from "./larson.js";
import { agentStack } from "./stacks.js";
import type { ThreadData, ThreadFailure } from "./thread.js";

/** The same for every stack, and for up to three threads. */
const LEAST_BYTES = 64 << 20;
/** More threads get so much for each block: three times the largest, six times the mean. */
const BLOCK_ROOM = 3072;
/** A thread that has not done in this time what takes it milliseconds is lost. */
const LOST_MS = 60_000;

/** What a team did in one round. */
export interface TeamRound {
  /** Between the first begin and the last end. */
  readonly elapsedNs: number;
  /** An alloc or a free is one. */
  readonly operations: number;
  /** Of the shared lock. */
  readonly entered: number;
  readonly contended: number;
  readonly slept: number;
  /** Arrays that went through the spare place. */
  readonly handedOver: number;
}

export class Team {
  readonly heap: Heap;
  readonly #control: Control;
  readonly #arrays: Int32Array[];
  readonly #ports: MessagePort[] = [];

  private constructor(stack: string, threads: number, { blocks }: LarsonShape) {
    const bytes = Math.max(LEAST_BYTES, (threads + 1) * blocks * BLOCK_ROOM);
    this.heap = createHeap({
      memory: new SharedArrayBuffer(bytes),
      strategy: hyperheap(),
      plugins: agentStack(stack).plugins(),
    });
    this.#control = new Control(threads);
    Atomics.store(this.#control.words, WORD.spare, threads);
    this.#arrays = Array.from({ length: threads + 1 }, () => this.heap.allocArray(Int32Array, blocks));
    const larson = createLarson(this.heap, SEED);
    for (const slots of this.#arrays) larson.fill(slots);
  }

  /** A team whose threads have attached and sleep. */
  static async start(stack: string, threads: number, shape: LarsonShape): Promise<Team> {
    const team = new Team(stack, threads, shape);
    const arrays = team.#arrays.map(({ byteOffset }) => byteOffset);
    const starting = Array.from({ length: threads }, (_, thread) => {
      const { port1, port2 } = new MessageChannel();
      team.#ports.push(port1);
      const data: ThreadData = {
        ...{ descriptor: team.heap.descriptor(), stack, shape, arrays, thread },
        ...{ control: team.#control.buffer, failures: port2 },
      };
      const worker = new Worker(built("agents/thread.js"), { workerData: data, transferList: [port2] });
      return new Promise<void>((resolve, reject) => {
        worker.once("message", () => resolve());
        worker.once("error", reject);
        worker.once("exit", (code) => reject(new Error(`thread ${thread} ended with ${code}`)));
      });
    });
    await Promise.all(starting);
    return team;
  }

  /** A few rounds with hand-overs in which every block is compared before it is freed; then the heap checks itself. */
  check(): TeamRound {
    const round = this.#order(ORDER.check);
    this.heap.check();
    return round;
  }

  /** Works for so many milliseconds. */
  round(ms: number): TeamRound {
    return this.#order(ORDER.time, ms);
  }

  /** Ends the threads, then frees all blocks: nothing of the team is left in the heap. */
  end(): void {
    this.#order(ORDER.end);
    for (const port of this.#ports) port.close();
    const larson = createLarson(this.heap, SEED);
    for (const slots of this.#arrays) {
      larson.empty(slots);
      this.heap.free(slots.byteOffset);
    }
  }

  #order(what: number, ms?: number): TeamRound {
    const control = this.#control;
    const before = this.heap.contention;
    control.give(what);
    if (ms !== undefined) {
      this.#await(WORD.arrived);
      // Nobody notifies: a sleep.
      Atomics.wait(control.words, WORD.stop, 0, ms);
      control.stop();
    }
    this.#await(WORD.done);
    this.#throwFailure();
    const after = this.heap.contention;
    const timed = control.timed();
    return {
      elapsedNs: Math.max(...timed.map(({ end }) => end)) - Math.min(...timed.map(({ begin }) => begin)),
      operations: STEP_OPERATIONS * timed.reduce((sum, { steps }) => sum + steps, 0),
      entered: (after.entered - before.entered) >>> 0,
      contended: (after.contended - before.contended) >>> 0,
      slept: (after.slept - before.slept) >>> 0,
      handedOver: Atomics.load(control.words, WORD.handedOver),
    };
  }

  #await(word: number): void {
    if (this.#control.awaitAll(word, LOST_MS)) return;
    throw new Error(`threads did not answer in ${LOST_MS / 1000} s`);
  }

  #throwFailure(): void {
    if (Atomics.load(this.#control.words, WORD.failed) === 0) return;
    for (const port of this.#ports) {
      const received = receiveMessageOnPort(port);
      if (received === undefined) continue;
      const { name, message } = received.message as ThreadFailure;
      if (name === "WrongAnswer") throw new WrongAnswer(message);
      if (name === "OutOfMemory") throw new OutOfMemory(message);
      throw new Error(message);
    }
    throw new Error("a thread failed and did not say why");
  }
}
