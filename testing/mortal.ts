/**
 * Agents that die before a store of one's choice: their views count stores, and throw instead of the one after the last.
 *
 *     mortal(…)           every store of the call, in the heap's header, the strategy, the plugins and the blocks' headers; another agent
 *                         comes with heap.recover()
 *     mortalStrategy(…)   the strategy's own only, without a lock: for what a strategy does by itself to recover
 */
import {
  atomicsLock,
  attachHeap,
  createMemory,
  type GrowthOptions,
  type Heap,
  type HeapDescriptor,
  type Memory,
  type PluginInput,
  type Strategy,
} from "@heapwright/core";

type Context = Parameters<Strategy["create"]>[0];
type AgentOptions = NonNullable<Parameters<typeof attachHeap>[2]>;

export class Death extends Error {}

/** One thread plays all agents, one after the other: nothing to lock, but the layer that keeps the journal. */
export const lock = { enter: () => {}, tryEnter: () => true, leave: () => {} };
/** Behind a front a dead agent's lock must be taken over from it. Nobody comes to leave it while somebody waits. */
export const realLock = atomicsLock({ timeoutMs: 20 });
export const lockFor = (front: boolean): typeof lock | typeof realLock => (front ? realLock : lock);

export interface Mortal<H = Heap> {
  readonly heap: H;
  /** Stores since `live` was called. */
  readonly stores: number;
  /** It may store so many times more. */
  live(stores: number): void;
}

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

const VIEWS = new Set<string | symbol>(["u8", "i8", "u16", "i16", "u32", "i32", "f32", "f64"]);
/** Many bytes at once are one store. */
const MANY = new Set<string | symbol>(["fill", "set", "copyWithin"]);

/** Counts stores through the views of the memories it watches. */
class Life {
  stores = 0;
  #left = Number.POSITIVE_INFINITY;

  live(stores: number): void {
    this.stores = 0;
    this.#left = stores;
  }

  #store = (): void => {
    if (this.stores >= this.#left) throw new Death("dead");
    this.stores++;
  };

  #view(view: object): object {
    const store = this.#store;
    const proxy = new Proxy(view, {
      get(target, key) {
        const value = Reflect.get(target, key) as unknown;
        if (typeof value !== "function") return value;
        const body = value.bind(target) as (...args: unknown[]) => unknown;
        if (!MANY.has(key)) return body;
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
  }

  /** `memory`, whose views are watched as long as `isWatched` says so. */
  watch(memory: Memory, isWatched: () => boolean): Memory {
    return new Proxy(memory, {
      get: (target, key) => {
        const value = Reflect.get(target, key, target) as unknown;
        if (isWatched() && VIEWS.has(key)) return this.#view(value as object);
        return typeof value === "function" ? (value as () => unknown).bind(target) : value;
      },
    });
  }
}

export interface MortalOptions {
  readonly strategy: Strategy<string, unknown>;
  /** As the heap has them. */
  readonly plugins: readonly PluginInput[];
  readonly lock?: AgentOptions["lock"];
  readonly growth?: GrowthOptions;
}

/** Another agent on the heap in `buffer`. */
export function mortal<H extends Heap = Heap>(
  buffer: ArrayBuffer,
  { strategy, plugins, lock: taken = lock, growth }: MortalOptions,
): Mortal<H> {
  const life = new Life();
  // The agent's number comes from a real view: it is not one of the stores that are counted.
  let isWatched = false;
  const memory = life.watch(createMemory(buffer), () => isWatched);
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
    { lock: taken, ...(growth !== undefined && { growth }) } as AgentOptions,
  ) as Heap as H;
  return {
    heap,
    get stores() {
      return life.stores;
    },
    live: (stores) => life.live(stores),
  };
}

/** What a strategy keeps of the block that is being made: `i32[made]`. */
interface StrategySpace {
  readonly i32: Int32Array;
  readonly made: number;
}

export interface MortalStrategy<Space> extends Mortal {
  readonly space: Space;
  /** What the strategy does for `heap.recover()`. */
  recover(): void;
}

/** Another agent on a heap without a lock, whose strategy alone is mortal. */
export function mortalStrategy<Space extends StrategySpace>(
  descriptor: HeapDescriptor,
  strategy: Strategy<string, unknown>,
  plugins: readonly PluginInput[],
  view: (ctx: Context) => Space,
  recover: (space: Space, made: number, free: (ptr: number) => void) => void,
): MortalStrategy<Space> {
  const life = new Life();
  let seen: Space | undefined;
  const heap = attachHeap(descriptor, {
    strategy: {
      ...strategy,
      create(ctx) {
        const made = strategy.create({ ...ctx, memory: life.watch(ctx.memory, () => true) });
        seen = view(ctx);
        return made;
      },
    },
    plugins,
  }) as Heap;
  const space = seen as Space;
  return {
    heap,
    space,
    get stores() {
      return life.stores;
    },
    recover() {
      recover(space, space.i32[space.made], heap.free);
    },
    live(stores) {
      // Without a lock nobody says what was handed out: all that was made so far.
      space.i32[space.made] = 0;
      life.live(stores);
    },
  };
}
