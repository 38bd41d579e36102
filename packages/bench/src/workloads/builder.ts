/** Collects the operations of a generated trace; ids are slots, recycled last in, first out as in the recorded traces. */
import { CALLOC, createTrace, FREE, MALLOC, MEMALIGN, REALLOC, type Trace } from "../trace.js";

/** Numbers per operation: op, log2 of the alignment, thread, id, size. */
const FIELDS = 5;

export class TraceBuilder {
  /** Who does what is added next. */
  thread = 0;
  readonly #records: number[] = [];
  readonly #recycled: number[] = [];
  #ids = 0;

  get length(): number {
    return this.#records.length / FIELDS;
  }

  #push(op: number, alignLog2: number, id: number, size: number): number {
    this.#records.push(op, alignLog2, this.thread, id, size);
    return id;
  }

  #id(): number {
    return this.#recycled.pop() ?? this.#ids++;
  }

  malloc(size: number): number {
    return this.#push(MALLOC, 0, this.#id(), size);
  }

  calloc(size: number): number {
    return this.#push(CALLOC, 0, this.#id(), size);
  }

  memalign(alignLog2: number, size: number): number {
    return this.#push(MEMALIGN, alignLog2, this.#id(), size);
  }

  realloc(id: number, size: number): void {
    this.#push(REALLOC, 0, id, size);
  }

  free(id: number): void {
    this.#push(FREE, 0, id, 0);
    this.#recycled.push(id);
  }

  /** Frees each of them, in this order. */
  freeAll(ids: readonly number[]): void {
    for (const id of ids) this.free(id);
  }

  finish(name: string): Trace {
    const trace = createTrace(name, this.length, this.#ids);
    for (let i = 0; i < trace.length; i++) {
      const at = FIELDS * i;
      trace.ops[i] = this.#records[at];
      trace.alignLog2[i] = this.#records[at + 1];
      trace.threads[i] = this.#records[at + 2];
      trace.ids[i] = this.#records[at + 3];
      trace.sizes[i] = this.#records[at + 4];
    }
    return trace;
  }
}
