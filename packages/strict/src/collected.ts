/**
 * Blocks whose view or handle was garbage-collected before they were freed: nobody knows their address any more.
 *
 * Several objects may stand for one block: it is lost with the last of them. The collector tells when it likes, perhaps never. A block is
 * named by its number, so one that was freed in time, and whatever is in its place since, is no finding. An address that the program
 * keeps as a number nobody can see.
 *
 * Price: 100 bytes of JavaScript a tracked object; nothing on alloc and free.
 */

/** What the collector hands back. */
interface Ticket {
  readonly ptr: number;
  readonly seq: number;
}

export class Collected {
  readonly #registry: FinalizationRegistry<Ticket>;
  readonly #tickets = new WeakMap<object, Ticket>();
  /** How many objects stand for a block, by its number. */
  readonly #objects = new Map<number, number>();

  /** `lost` is called when the last object that stood for a block was collected. */
  constructor(lost: (ptr: number, seq: number) => void) {
    this.#registry = new FinalizationRegistry(({ ptr, seq }) => {
      if (this.#drop(seq)) lost(ptr, seq);
    });
  }

  /** `object` stands for the block from now on, instead of any other. */
  track(object: object, ptr: number, seq: number): void {
    const before = this.#tickets.get(object);
    if (before !== undefined) {
      this.#registry.unregister(object);
      this.#drop(before.seq);
    }
    const ticket = { ptr, seq };
    this.#tickets.set(object, ticket);
    this.#objects.set(seq, (this.#objects.get(seq) ?? 0) + 1);
    this.#registry.register(object, ticket, object);
  }

  /** One object fewer stands for the block. Was it the last? */
  #drop(seq: number): boolean {
    const objects = (this.#objects.get(seq) ?? 1) - 1;
    if (objects > 0) this.#objects.set(seq, objects);
    else this.#objects.delete(seq);
    return objects === 0;
  }
}
