/**
 * Threads that work on one heap together: started, told when to begin and to stop, and measured. Throughput is all that was done
 * between the first thread's begin and the last one's end, so a thread that comes late or ends late costs.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { Heap, HeapDescriptor } from "@heapwright/core";
import { built } from "../assets.js";
import { OutOfMemory } from "../targets/target.js";
import { WrongAnswer } from "../verify.js";
import { Control, ORDER, WORD } from "./control.js";

/** A thread that has not done in this time what takes it milliseconds is lost. */
const LOST_MS = 60_000;

/** What a crew did in one round. */
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

/** What every thread is given. */
export interface CrewData {
  readonly descriptor: HeapDescriptor;
  /** Name of the stack to attach with. */
  readonly stack: string;
  readonly control: SharedArrayBuffer;
  /** Number of this thread, from 0 on. */
  readonly thread: number;
  readonly failures: MessagePort;
}

/** What a thread says through its port. */
export interface ThreadFailure {
  readonly name: string;
  readonly message: string;
}

export class Crew {
  readonly heap: Heap;
  protected readonly control: Control;
  readonly #stack: string;
  readonly #ports: MessagePort[] = [];

  constructor(heap: Heap, stack: string, threads: number) {
    this.heap = heap;
    this.#stack = stack;
    this.control = new Control(threads);
  }

  /** Resolves when all threads, whose code is `entry` and who get `data` as well, have attached and sleep. */
  async start(entry: string, data: object): Promise<this> {
    const starting = Array.from({ length: this.control.threads }, (_, thread) => {
      const { port1, port2 } = new MessageChannel();
      this.#ports.push(port1);
      const own: CrewData = {
        ...{ descriptor: this.heap.descriptor(), stack: this.#stack, thread },
        ...{ control: this.control.buffer, failures: port2 },
      };
      const worker = new Worker(built(entry), { workerData: { ...data, ...own }, transferList: [port2] });
      return new Promise<void>((resolve, reject) => {
        worker.once("message", () => resolve());
        worker.once("error", reject);
        worker.once("exit", (code) => reject(new Error(`thread ${thread} ended with ${code}`)));
      });
    });
    await Promise.all(starting);
    return this;
  }

  /** Ends the threads. */
  end(): void {
    this.order(ORDER.end);
    for (const port of this.#ports) port.close();
  }

  /** Returns when all threads have done what is ordered; `ms`: tells them after so long to stop. */
  protected order(what: number, ms?: number): TeamRound {
    const { control } = this;
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
      operations: timed.reduce((sum, { operations }) => sum + operations, 0),
      entered: (after.entered - before.entered) >>> 0,
      contended: (after.contended - before.contended) >>> 0,
      slept: (after.slept - before.slept) >>> 0,
      handedOver: Atomics.load(control.words, WORD.handedOver),
    };
  }

  #await(word: number): void {
    if (this.control.awaitAll(word, LOST_MS)) return;
    throw new Error(`threads did not answer in ${LOST_MS / 1000} s`);
  }

  #throwFailure(): void {
    if (Atomics.load(this.control.words, WORD.failed) === 0) return;
    const failures = this.#ports
      .map((port) => receiveMessageOnPort(port)?.message as ThreadFailure | undefined)
      .filter((failure) => failure !== undefined);
    // Who waited for one that failed fails, too, and says nothing new.
    const { name, message } = failures.find((failure) => failure.name !== "Abandoned") ?? {
      name: "Error",
      message: "a thread failed and did not say why",
    };
    if (name === "WrongAnswer") throw new WrongAnswer(message);
    if (name === "OutOfMemory") throw new OutOfMemory(message);
    throw new Error(message);
  }
}
