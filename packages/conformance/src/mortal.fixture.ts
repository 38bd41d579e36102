/** An agent that dies before a store of one's choice: of the heap's header, of a plugin, of the strategy or in a block's header. */
import {
  atomicsLock,
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
/** Behind a front a dead agent's lock must be taken over from it. Nobody comes to leave it while somebody waits. */
export const realLock = atomicsLock({ timeoutMs: 20 });
export const lockFor = (front: boolean): typeof lock | typeof realLock => (front ? realLock : lock);

/** What a watched view stands for, and what is to happen before each store: atomics take real views only. */
const watchedViews = new WeakMap<object, { readonly view: object; readonly store: () => void }>();
const STORES = ["add", "and", "compareExchange", "exchange", "or", "store", "sub", "xor"] as const;
for (const name of [...STORES, "load", "notify", "wait"] as const) {
  const real = Atomics[name] as (...args: unknown[]) => unknown;
  (Atomics as unknown as Record<string, unknown>)[name] = (view: object, ...args: unknown[]) => {
    const watched = watchedViews.get(view);
    if (watched !== undefined && (STORES as readonly string[]).includes(name)) watched.store();
    return real(watched?.view ?? view, ...args);
  };
}

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
  front = false,
): Mortal {
  let left = Number.POSITIVE_INFINITY;
  let stores = 0;
  // The agent's number comes from a real view: it is not one of the stores that are counted.
  let isWatched = false;

  function store(): void {
    if (stores >= left) throw new Death("dead");
    stores++;
  }
  const watched = (view: object): object => {
    const proxy = new Proxy(view, {
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
    watchedViews.set(proxy, { view, store });
    return proxy;
  };
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
    { lock: lockFor(front) },
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
