/** A trace in the making: columns that grow, up to what a file may have. */
import { MAX_OPS, type Trace } from "./format.js";

/** What is known of one operation. */
export interface Operation {
  readonly op: number;
  readonly alignLog2: number;
  readonly agent: number;
  readonly id: number;
  readonly size: number;
  /** As the app has it; 0: none. */
  readonly tag: number;
  /** Microseconds. */
  readonly time: number;
}

const FIRST_CAPACITY = 1024;
const MOST_TICKS = 2 ** 32 - 1;
const MOST_THREAD = 0xffff;
const MICROSECOND = 1000;

export class TraceBuilder {
  /** Operations that came after the last one there is room for. */
  dropped = 0;
  #length = 0;
  #columns = allocate(FIRST_CAPACITY);
  readonly #most: number;
  readonly #tags = new Map<number, number>();

  constructor(most = MAX_OPS) {
    this.#most = most;
  }

  /** False where there is no room: then no later one is taken, either. */
  add(operation: Operation): boolean {
    const at = this.#length;
    if (at === this.#most) {
      this.dropped++;
      return false;
    }
    if (at === this.#columns.ops.length) this.#columns = grown(this.#columns, Math.min(2 * at, this.#most));
    const { ops, alignLog2, threads, ids, sizes, tags, times } = this.#columns;
    ops[at] = operation.op;
    alignLog2[at] = operation.alignLog2;
    threads[at] = Math.min(operation.agent, MOST_THREAD);
    ids[at] = operation.id;
    sizes[at] = operation.size;
    tags[at] = this.#tagNumber(operation.tag);
    times[at] = at === 0 ? operation.time : Math.max(operation.time, times[at - 1]);
    this.#length++;
    return true;
  }

  get length(): number {
    return this.#length;
  }

  /** @param nameOf what a tag is called. */
  finish(name: string, nameOf: (tag: number) => string, dropped: number): Trace {
    const length = this.#length;
    const { ops, alignLog2, threads, ids, sizes, tags, times } = this.#columns;
    let maxLive = 0;
    for (let i = 0; i < length; i++) if (ids[i] >= maxLive) maxLive = ids[i] + 1;
    const span = length === 0 ? 0 : times[length - 1] - times[0];
    const tickNs = Math.ceil(Math.max(1, span / MOST_TICKS) * MICROSECOND);
    return {
      name,
      length,
      maxLive,
      ops: ops.slice(0, length),
      alignLog2: alignLog2.slice(0, length),
      threads: threads.slice(0, length),
      ids: ids.slice(0, length),
      sizes: sizes.slice(0, length),
      ...(dropped > 0 && { dropped }),
      ...(this.#tags.size > 0 && { tags: tags.slice(0, length), names: [...this.#tags.keys()].map(nameOf) }),
      ...(length > 0 &&
        times[length - 1] > 0 && {
          tickNs,
          times: Uint32Array.from({ length }, (_, i) =>
            Math.floor(((times[i] - times[0]) * MICROSECOND) / tickNs),
          ),
        }),
    };
  }

  #tagNumber(tag: number): number {
    if (tag === 0) return 0;
    const known = this.#tags.get(tag);
    if (known !== undefined) return known;
    this.#tags.set(tag, this.#tags.size + 1);
    return this.#tags.size;
  }
}

interface Columns {
  readonly ops: Uint8Array;
  readonly alignLog2: Uint8Array;
  readonly threads: Uint16Array;
  readonly ids: Uint32Array;
  readonly sizes: Uint32Array;
  readonly tags: Uint32Array;
  readonly times: Float64Array;
}

function allocate(capacity: number): Columns {
  return {
    ops: new Uint8Array(capacity),
    alignLog2: new Uint8Array(capacity),
    threads: new Uint16Array(capacity),
    ids: new Uint32Array(capacity),
    sizes: new Uint32Array(capacity),
    tags: new Uint32Array(capacity),
    times: new Float64Array(capacity),
  };
}

function grown(columns: Columns, capacity: number): Columns {
  const larger = allocate(capacity);
  for (const key of Object.keys(larger) as (keyof Columns)[]) larger[key].set(columns[key]);
  return larger;
}
