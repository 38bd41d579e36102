/**
 * Where blocks were allocated and freed: call stacks, kept by this agent for the blocks it made, by their number.
 *
 * A cache in JavaScript, which may be dropped: nothing depends on it, other agents have their own, copies of a heap none. An entry
 * holds the engine's frames; they become text when a report reads them.
 *
 * | | |
 * |---|---|
 * | `off` | no stacks |
 * | `sampled` | of one block in 1,024, by a hash of its number: the same ones in each run |
 * | `all` | of every block |
 *
 * Bounded: at most 16,384 live blocks and the 1,024 freed last. Price of a capture: about 5 µs and 1 KB; of not capturing
 * one, a multiplication.
 */

export type StackMode = "off" | "sampled" | "all";

/** A stack as it was captured; `stack` makes text of it. */
interface Captured {
  readonly stack?: string;
}
interface Trace {
  allocated?: Captured | undefined;
  freed?: Captured | undefined;
}

/** Text of the stacks of one block. */
export interface TraceText {
  readonly allocated?: string;
  readonly freed?: string;
}

type Function = (...args: never[]) => unknown;
type StackCapturer = { captureStackTrace?(target: object, above: Function): void };

const LIVE_LIMIT = 16_384;
const FREED_LIMIT = 1024;

export class Stacks {
  readonly #all: boolean;
  readonly #core: string;
  readonly #traces = new Map<number, Trace>();
  /** Numbers of the blocks freed last, a ring. */
  readonly #freed: number[] = [];
  #freedNext = 0;

  /** @param inCore Any error made in core: the frames down to core's, and core's, are left out of the text. */
  constructor(mode: Exclude<StackMode, "off">, inCore: Error) {
    this.#all = mode === "all";
    this.#core = directoryOf(framesOf(inCore)[0] ?? "");
  }

  keeps(seq: number): boolean {
    return this.#all || Math.imul(seq, 0x9e3779b1) >>> 22 === 0;
  }

  /** Frames from `above` down are left out. */
  allocated(seq: number, above: Function): void {
    this.#traces.set(seq, { allocated: capture(above) });
    if (this.#traces.size <= LIVE_LIMIT) return;
    // The oldest: a Map iterates in order of insertion.
    for (const oldest of this.#traces.keys()) {
      this.#traces.delete(oldest);
      break;
    }
  }

  freed(seq: number, above: Function): void {
    const trace = this.#traces.get(seq) ?? {};
    trace.freed = capture(above);
    this.#traces.set(seq, trace);
    const forgotten = this.#freed[this.#freedNext];
    if (forgotten !== undefined && forgotten !== seq) this.#traces.delete(forgotten);
    this.#freed[this.#freedNext] = seq;
    this.#freedNext = (this.#freedNext + 1) % FREED_LIMIT;
  }

  text(seq: number): TraceText {
    const trace = this.#traces.get(seq);
    const allocated = this.#textOf(trace?.allocated);
    const freed = this.#textOf(trace?.freed);
    return { ...(allocated === "" ? {} : { allocated }), ...(freed === "" ? {} : { freed }) };
  }

  #textOf(captured: Captured | undefined): string {
    const frames = framesOf(captured ?? {});
    const isCore = (frame: string): boolean => this.#core !== "" && directoryOf(frame) === this.#core;
    // The layers above the record, up to the heap's entry point, then what is core's of that.
    const entry = Math.max(0, frames.findIndex(isCore));
    const first = frames.findIndex((frame, index) => index >= entry && !isCore(frame));
    // Bundled into one file with the app, every frame is core's.
    return frames.slice(Math.max(0, first)).join("\n");
  }
}

function capture(above: Function): Captured {
  const { captureStackTrace } = Error as StackCapturer;
  if (captureStackTrace === undefined) return new Error();
  const captured: Captured = {};
  captureStackTrace(captured, above);
  return captured;
}

/** The lines that are frames: V8's `    at …`, and `name@file` of other engines. */
function framesOf({ stack }: Captured): string[] {
  return (stack ?? "").split("\n").filter((line) => /^\s+at |@/.test(line));
}

/** The directory a frame's file is in, as the frame writes it. */
function directoryOf(frame: string): string {
  return /(?:\(|@|at )((?:[a-z]+:)?[^()]*[\\/])[^\\/()]*\)?$/.exec(frame)?.[1] ?? "";
}
