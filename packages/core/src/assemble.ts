/**
 * Assembly: what one agent needs to work on a heap whose header is already there: contexts, the strategy, the layers on it,
 * the lock, and the one function that takes fresh views for all of them.
 */
import { asInner, layer, type ResolvedStack } from "./compose.js";
import { HeapError, type HeapErrorCode, type HeapErrorDetails, show } from "./errors.js";
import { gated } from "./gated.js";
import { createGates, type Gates } from "./gates.js";
import { createGrowth, type Growth, growing } from "./growth.js";
import { GRANULE, HEADER, LOCK_OFFSET } from "./header.js";
import { journalAt, MADE } from "./journal.js";
import type { ChunkLayout, PlacedSlot } from "./layout.js";
import { locked, synchronised } from "./locked.js";
import type { Memory } from "./memory.js";
import { LiveRegion, type Placement } from "./region.js";
import type {
  Allocator,
  Context,
  FrontSite,
  Inner,
  Lock,
  LockKind,
  LockSite,
  Options,
  PluginInstance,
  Slot,
  StrategyInstance,
} from "./types.js";

/** Thrown through the layers by a front that cannot go on before all others stand still; caught where the call began, and made again there. */
const STARVED = new Error("the front has run out, and asks for what other agents hold");

/** How often a reader tries to find the heap quiet before it takes the lock. */
const TRIES = 100;

/** What an agent brings along. */
export interface AssemblyOptions {
  readonly memory: Memory;
  readonly placement: Placement;
  readonly stack: ResolvedStack;
  readonly lock: LockKind | Lock;
  readonly agent: number;
  readonly name: string;
  /** This agent makes the heap. */
  readonly fresh: boolean;
  readonly growth: { readonly auto: boolean; readonly step: number; readonly foreign: "leave" | "adopt" };
}

/** The parts of a heap that the entry points work with. */
export interface Assembly {
  readonly memory: Memory;
  readonly region: LiveRegion;
  readonly name: string;
  readonly agent: number;
  readonly stack: ResolvedStack;
  /** The outermost primitives. */
  readonly allocator: Inner;
  /** The strategy's own, no layer above. */
  readonly strategy: Inner;
  /** Undefined where one agent needs none. */
  readonly lock: Lock | undefined;
  /** What several calls of this agent in a row stand under: with a front its gate, else the lock. */
  readonly own: Lock | undefined;
  /** Only with a front, and a lock. */
  readonly gates: Gates | undefined;
  /** Set when the heap is complete: recovers it from an agent that has ended, see recover.ts. */
  recoverEnded: ((agent: number, inside: boolean) => void) | undefined;
  /** The plugin of phase `front`, as it was made for this agent. */
  readonly front: PluginInstance | undefined;
  readonly growth: Growth;
  /** APIs by plugin name. */
  readonly apis: ReadonlyMap<string, unknown>;
  /** Name of a tag, where a plugin keeps them. */
  tagName(tag: number): string | undefined;
  /** Views or the area's end may have changed: everybody takes them again. */
  refreshAll(): void;
  /** Called after each refresh. */
  onRefresh(refresh: () => void): void;
  /**
   * Takes fresh views if the buffer was replaced or the heap has grown, whoever did it.
   * @throws HeapError `ERR_DETACHED_HEAP` if this agent has left or the buffer is gone.
   */
  sync(): void;
  /** Does the work while nobody else is inside: with the lock held, and behind closed gates. Takes fresh views first. */
  exclusive<Result>(work: () => Result): Result;
  /** What a call has thrown: if a front wants all others to stand still, the call is made again while they do; else it is thrown on. */
  again<Result>(failure: unknown, work: () => Result): Result;
  /** This agent leaves: `sync` throws from now on, and everybody is told to look. */
  detach(): void;
  error(code: HeapErrorCode, message: string, details?: HeapErrorDetails): HeapError;
}

export function assemble(options: AssemblyOptions): Assembly {
  const { memory, placement, stack, agent, name, fresh } = options;
  const region = new LiveRegion(placement);
  const refreshers: (() => void)[] = [];
  const onRefresh = (refresh: () => void): void => {
    refreshers.push(refresh);
  };
  const error = (code: HeapErrorCode, message: string, details: HeapErrorDetails = {}): HeapError =>
    new HeapError(code, message, { heap: name, ...details });
  const regionWord = (region.base + HEADER.regionBytes) >>> 2;
  const refreshAll = (): void => {
    memory.refresh();
    const end = region.base + memory.u32[regionWord];
    // The header can have been overwritten: what it says is followed only if it can be.
    if (
      end < region.areaEnd ||
      end > region.areaMax ||
      end % GRANULE !== 0 ||
      end > memory.buffer.byteLength
    ) {
      throw error(
        "ERR_HEAP_CORRUPT",
        `heap header: region bytes are ${end - region.base}, which cannot be true`,
        {
          ptr: regionWord * 4,
          hint: "something wrote outside its block, over the heap header",
        },
      );
    }
    region.areaEnd = end;
    for (const refresh of refreshers) refresh();
  };
  let seen = memory.u32;
  onRefresh(() => {
    seen = memory.u32;
  });
  let detached = false;
  const sync = (): void => {
    if (detached) throw error("ERR_DETACHED_HEAP", "this agent has left the heap");
    // Of a buffer that is gone the word is undefined. Not `memory`'s view: somebody else may have refreshed that.
    if (region.base + seen[regionWord] === region.areaEnd) return;
    memory.refresh();
    if (memory.buffer.byteLength < region.areaEnd) {
      throw error("ERR_DETACHED_HEAP", "the heap's buffer is detached or was made smaller");
    }
    refreshAll();
  };
  const instance: { sideSlot?: StrategyInstance["sideSlot"] } = {};
  let lock: Lock | undefined;
  let gates: Gates | undefined;
  /** Of the plugins that name tags, the outermost; which there are is known only when all are made. */
  let namer: PluginInstance | undefined;
  const tagName = (tag: number): string | undefined => namer?.tagName?.(tag);
  const plugins: ReadonlyMap<string, Options> = new Map(
    stack.plugins.map((plugin, index) => [plugin.name, stack.pluginOptions[index] ?? {}]),
  );
  const locking = <Result>(work: () => Result): Result => {
    lock?.enter();
    try {
      return work();
    } finally {
      lock?.leave();
    }
  };
  const standing = <Result>(work: () => Result): Result => {
    // In the midst of a call nobody can be waited for who may be waiting for this agent: then only the lock is taken.
    if (gates === undefined || gates.isInside()) return locking(work);
    gates.stop();
    try {
      return locking(work);
    } finally {
      gates.resume();
    }
  };
  const exclusive = <Result>(work: () => Result): Result => {
    sync();
    return standing(work);
  };
  const observe = <Result>(read: () => Result): Result => {
    sync();
    if (lock === undefined) return read();
    // The lock's stamp says nothing of who is behind a gate.
    if (gates !== undefined) return standing(read);
    for (let tries = lock.stamp === undefined ? TRIES : 0; tries < TRIES; tries++) {
      const before = lock.stamp?.();
      if (before === -1) continue;
      let failure: unknown;
      let result: Result | undefined;
      let done = false;
      try {
        result = read();
        done = true;
      } catch (error) {
        failure = error;
      }
      // What was read, or thrown, while somebody was inside says nothing.
      if (lock.stamp?.() !== before) continue;
      if (!done) throw failure;
      return result as Result;
    }
    return exclusive(read);
  };
  const context = (owner: string, state: number, resolved: Options): Context => ({
    memory,
    region,
    state,
    layout: stack.layout,
    options: resolved,
    agent,
    heapName: name,
    fresh,
    plugins,
    slot: (slot) => createSlot(owner, slot, stack.layout, memory, onRefresh, instance.sideSlot),
    error,
    onRefresh,
    sync,
    exclusive,
    observe,
    outermost() {
      if (assembly === undefined) throw error("ERR_UNSUPPORTED", "the heap is not complete yet");
      return assembly.allocator;
    },
    tagName,
    shard: gates?.shard ?? 0,
    shards: stack.shards,
    made: journalAt(region.base) + MADE,
    front: undefined,
  });

  const apis = new Map<string, unknown>();
  const keep = (owner: string, api: unknown): void => {
    if (api !== undefined) apis.set(owner, api);
  };
  const { strategy } = stack;
  const made = strategy.create(context(strategy.name, placement.strategyState, stack.strategyOptions));
  if (made.sideSlot !== undefined) instance.sideSlot = made.sideSlot;
  keep(strategy.name, made.api);
  const innermost = asInner(made.allocator, memory);

  let assembly: Assembly | undefined;
  const recovered = (agent: number, inside: boolean): boolean => {
    const recoverFrom = assembly?.recoverEnded;
    if (recoverFrom === undefined || lock?.hasEnded?.(agent) !== true) return false;
    recoverFrom(agent, inside);
    return true;
  };
  lock = makeLock(
    options.lock,
    {
      memory,
      address: region.base + LOCK_OFFSET,
      agent,
      heapName: name,
      error,
      onRefresh,
      recovered: (holder) => recovered(holder, true),
    },
    () => {
      if (region.base + (memory.u32[regionWord] as number) !== region.areaEnd) refreshAll();
    },
  );
  if (lock !== undefined && stack.hasFront) {
    const { gates: address } = placement;
    const { timeoutMs } = lock;
    gates = createGates({
      memory,
      address,
      count: stack.shards,
      agent,
      timeoutMs,
      error,
      onRefresh,
      recovered: (by) => recovered(by, false),
    });
  }
  const growth = createGrowth({ memory, region, strategy: innermost, refreshAll, ...options.growth });

  let allocator = innermost;
  if (options.growth.auto) allocator = layer(allocator, growing(allocator, growth.growFor), memory);
  const put = (changes: Partial<Allocator> | undefined): void => {
    allocator = layer(allocator, changes, memory);
  };
  const { base } = region;
  const journal = journalAt(base);
  const site = { memory, base, onRefresh };
  const madeBy = (shard: number): number => (gates?.journal(shard) ?? journal) + MADE;
  const frontSite: FrontSite = {
    enter: () => lock?.enter(),
    leave: () => lock?.leave(),
    handedOut() {
      memory.u32[journal + MADE] = 0;
    },
    madeBy,
    standStill() {
      if (gates !== undefined && !gates.isStill()) throw STARVED;
    },
    agentOf: (shard) => gates?.agentOf(shard) ?? (shard === 0 ? agent : 0),
  };
  if (stack.hasFront) put(lock && locked(allocator, lock, site, false));
  const leavers: (() => void)[] = [];
  let front: PluginInstance | undefined;
  try {
    for (let index = stack.plugins.length - 1; index >= 0; index--) {
      const plugin = stack.plugins[index] as (typeof stack.plugins)[number];
      const state = placement.pluginStates[index] as number;
      const ctx = context(plugin.name, state, stack.pluginOptions[index] ?? {});
      const isFront = plugin.phase === "front";
      const layered = plugin.create(
        allocator,
        isFront ? { ...ctx, made: madeBy(ctx.shard), front: frontSite } : ctx,
      );
      if (typeof layered !== "object" || layered === null) {
        throw error("ERR_COMPOSITION", `plugin "${plugin.name}": create returned ${show(layered)}`);
      }
      if (isFront) front = layered;
      keep(plugin.name, layered.api);
      if (layered.tagName !== undefined) namer = layered;
      if (layered.leave !== undefined) leavers.push(() => layered.leave?.());
      put(layered.allocator);
    }
  } catch (failure) {
    gates?.release(gates.shard);
    throw failure;
  }
  const again = <Result>(failure: unknown, work: () => Result): Result => {
    if (failure !== STARVED) throw failure;
    return exclusive(work);
  };
  if (gates !== undefined) put(gated(allocator, gates, { exclusive, again }, site));
  else if (!stack.hasFront) put(lock && locked(allocator, lock, site, true));
  const own = gates?.own ?? lock;

  /** The outermost first: what it gives back goes down through the others. */
  function leave(): void {
    // Somebody said that this agent had ended: then it holds nothing.
    if (gates !== undefined && gates.agentOf(gates.shard) !== agent) return;
    if (leavers.length === 0) {
      gates?.release(gates.shard);
      return;
    }
    const failures: unknown[] = [];
    let isInside = false;
    try {
      sync();
      own?.enter();
      isInside = true;
      for (const each of leavers.splice(0).reverse()) {
        try {
          each();
        } catch (failure) {
          failures.push(failure);
        }
      }
    } finally {
      if (isInside) own?.leave();
      gates?.release(gates.shard);
    }
    if (failures.length > 0) throw failures[0];
  }

  assembly = {
    memory,
    region,
    name,
    agent,
    stack,
    allocator,
    strategy: innermost,
    lock,
    own,
    gates,
    recoverEnded: undefined,
    front,
    growth,
    apis,
    tagName,
    refreshAll,
    onRefresh,
    sync,
    exclusive,
    again,
    detach() {
      if (detached) return;
      // Nothing can be given back to a buffer that is gone.
      try {
        if (memory.buffer.byteLength >= region.areaEnd) leave();
      } finally {
        detached = true;
        for (const refresh of refreshers) refresh();
      }
    },
    error,
  };
  return assembly;
}

/** The lock of this agent, which on entering looks whether another agent grew the heap. */
function makeLock(kind: LockKind | Lock, site: LockSite, synchronise: () => void): Lock | undefined {
  const lock = "create" in kind ? kind.create(site) : kind;
  return lock && synchronised(lock, synchronise);
}

function createSlot(
  owner: string,
  name: string,
  layout: ChunkLayout,
  memory: Memory,
  onRefresh: (refresh: () => void) => void,
  sideSlot: StrategyInstance["sideSlot"],
): Slot {
  const placed = layout.slots.get(`${owner}.${name}`);
  if (placed === undefined)
    throw new HeapError("ERR_COMPOSITION", `plugin "${owner}" did not ask for a slot "${name}"`);
  const { distance, sideIndex }: PlacedSlot = placed;
  let words = memory.u32;
  onRefresh(() => {
    words = memory.u32;
  });
  const address = (ptr: number): number => {
    if (sideSlot !== undefined) {
      const side = sideSlot(ptr, sideIndex);
      if (side >= 0) return side;
    }
    return ptr - distance;
  };
  return {
    address,
    read(ptr) {
      const at = address(ptr);
      return at === 0 ? 0 : (words[at >>> 2] as number);
    },
    write(ptr, value) {
      const at = address(ptr);
      if (at !== 0) words[at >>> 2] = value;
    },
  };
}
