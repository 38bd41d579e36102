/** An agent that dies before a store of one's choice: of the heap's header, of a plugin, of the strategy or in a block's header. */
import {
  attachHeap,
  createMemory,
  type Heap,
  type Memory,
  type PluginInput,
  type Strategy,
} from "@heapwright/core";

export class Death extends Error {}

/** One thread plays all agents, one after the other: nothing to lock, but the layer that keeps the journal. */
export const lock = { enter: () => {}, tryEnter: () => true, leave: () => {} };

export interface Mortal {
  readonly heap: Heap;
  /** Stores since `live` was called. */
  readonly stores: number;
  /** It may store so many times more. */
  live(stores: number): void;
}

const VIEWS = new Set<string | symbol>(["u8", "i8", "u16", "i16", "u32", "i32", "f32", "f64"]);

export function mortal(
  buffer: ArrayBuffer,
  strategy: Strategy<string, unknown>,
  plugins: readonly PluginInput[],
): Mortal {
  let left = Number.POSITIVE_INFINITY;
  let stores = 0;
  // Atomics take real views only: the agent's number comes from one.
  let isWatched = false;

  function store(): void {
    if (stores >= left) throw new Death("dead");
    stores++;
  }
  const watched = (view: object): object =>
    new Proxy(view, {
      get(target, key) {
        const value = Reflect.get(target, key) as unknown;
        if (typeof value !== "function") return value;
        const body = value.bind(target) as (...args: unknown[]) => unknown;
        // Many bytes at once are one store.
        if (key !== "fill" && key !== "set" && key !== "copyWithin") return body;
        return (...args: unknown[]) => {
          store();
          return body(...args);
        };
      },
      set(target, key, value) {
        store();
        return Reflect.set(target, key, value);
      },
    });
  const memory = new Proxy(createMemory(buffer), {
    get(target, key) {
      const value = Reflect.get(target, key, target) as unknown;
      if (isWatched && VIEWS.has(key)) return watched(value as object);
      return typeof value === "function" ? (value as () => unknown).bind(target) : value;
    },
  }) as Memory;
  const heap = attachHeap(
    { heapwright: 1, name: "mortal", base: 0, memory },
    {
      strategy: {
        ...strategy,
        create(ctx) {
          isWatched = true;
          return strategy.create(ctx);
        },
      },
      plugins,
    },
    { lock },
  ) as Heap;
  return {
    heap,
    get stores() {
      return stores;
    },
    live(more) {
      stores = 0;
      left = more;
    },
  };
}
