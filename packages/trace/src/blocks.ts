/** The blocks that live at one point of a trace: addresses become ids, the lowest that were freed last first. */

export class Blocks {
  readonly #byPtr = new Map<number, number>();
  readonly #ptrOf: number[] = [];
  /** Tag of each id's block. */
  readonly tagOf: number[] = [];
  readonly #bornAt: number[] = [];
  readonly #dead: number[] = [];
  /** Ids in the order of their births, and those births; what has ended since, or moved, is among them. */
  #births: { readonly id: number; readonly bornAt: number }[] = [];

  /** Id of the block at an address, -1 if there is none. */
  at(ptr: number): number {
    return this.#byPtr.get(ptr) ?? -1;
  }

  /** A new block. */
  add(ptr: number, bornAt: number, tag: number): number {
    const id = this.#dead.pop() ?? this.#ptrOf.length;
    this.tagOf[id] = tag;
    this.move(id, ptr, bornAt);
    return id;
  }

  /** A block's address is somebody else's from now on; it is nowhere until it is moved. */
  leave(id: number): void {
    this.#byPtr.delete(this.#ptrOf[id]);
    this.#bornAt[id] = -1;
  }

  /** A block is at another address. */
  move(id: number, ptr: number, bornAt: number): void {
    this.#ptrOf[id] = ptr;
    this.#bornAt[id] = bornAt;
    this.#byPtr.set(ptr, id);
    this.#births.push({ id, bornAt });
    if (this.#births.length > 4 * this.#ptrOf.length + 1024)
      this.#births = this.#births.filter((birth) => this.#lives(birth));
  }

  end(id: number): void {
    this.leave(id);
    this.#dead.push(id);
  }

  /** Ids of the blocks that were born after a point, the youngest first; they end. */
  endSince(point: number): number[] {
    const ended: number[] = [];
    for (;;) {
      const latest = this.#births.at(-1);
      if (latest === undefined || latest.bornAt <= point) return ended;
      this.#births.pop();
      if (!this.#lives(latest)) continue;
      this.end(latest.id);
      ended.push(latest.id);
    }
  }

  #lives({ id, bornAt }: { readonly id: number; readonly bornAt: number }): boolean {
    return this.#bornAt[id] === bornAt;
  }
}
