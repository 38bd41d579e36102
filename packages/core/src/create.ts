/**
 * The ways to a heap: `createHeap` makes one, `attachHeap` joins one that another agent made, `restoreHeap` makes one of the
 * bytes of another. All three end in the same assembly.
 */
import { type Assembly, assemble } from "./assemble.js";
import { buildHeap } from "./build.js";
import { planStack, type ResolvedStack, resolveStack, type Stack } from "./compose.js";
import { HeapError, show } from "./errors.js";
import { DEFAULT_STEP, type GrowthOptions } from "./growth.js";
import {
  HEADER,
  LOCK_BYTES,
  LOCK_OFFSET,
  MAX_END,
  PAGE,
  REGION_ALIGN,
  roundDown,
  roundUp,
} from "./header.js";
import type { Heap, HeapDescriptor } from "./heap-types.js";
import type { ApisOf, Composable, PluginInput } from "./infer.js";
import { atomicsLock, noLock } from "./lock.js";
import { differences } from "./manifest.js";
import { createMemory, type Memory, type MemorySource } from "./memory.js";
import {
  checkBase,
  checkRoom,
  formatRegion,
  type Placement,
  placeRegion,
  readHeader,
  roundByteCount,
  sealRegion,
} from "./region.js";
import type { Allocator, Lock, LockKind, Region, Strategy } from "./types.js";

/** A strategy and plugins, in any order; see `defineStack`. */
export interface StackOptions<S extends Strategy<string, unknown>, P extends readonly PluginInput[]> {
  readonly strategy: S;
  readonly plugins?: P;
}

interface AgentOptions {
  /** `"auto"` (default): none on memory of one agent, `atomicsLock()` on shared memory. */
  readonly lock?: "auto" | LockKind | Lock;
  /** Without it the heap does not grow. */
  readonly growth?: GrowthOptions;
  /** Shown in errors and statistics; default "heap". */
  readonly name?: string;
}

export interface HeapOptions<S extends Strategy<string, unknown>, P extends readonly PluginInput[]>
  extends StackOptions<S, P>,
    AgentOptions {
  /**
   * Bytes for a new buffer (from 64 KiB on rounded up to whole 4 KiB pages), or where to put the heap. With `growth.max` a
   * byte count gives a resizable `ArrayBuffer`.
   */
  readonly memory: MemorySource;
  /** Where the heap begins; a multiple of 64, default 0. */
  readonly base?: number;
  /** Bytes of the region; default all from `base` on. */
  readonly bytes?: number;
}

export interface AttachOptions extends Omit<AgentOptions, "name"> {}

export interface RestoreOptions<S extends Strategy<string, unknown>, P extends readonly PluginInput[]>
  extends StackOptions<S, P>,
    AgentOptions {
  /** Where the copy goes; default a new buffer of just the size. */
  readonly memory?: MemorySource;
  /** Congruent to the old base modulo the largest alignment ever granted; default the smallest such base. */
  readonly base?: number;
}

type AnyStrategy = Strategy<string, unknown>;
type AnyStackOptions = StackOptions<AnyStrategy, readonly PluginInput[]>;
type AnyHeapOptions = HeapOptions<AnyStrategy, readonly PluginInput[]>;

const LOCK_KINDS = { none: 0, atomics: 1, other: 2 } as const;

/**
 * Makes a heap.
 *
 * @example
 * ```ts
 * const heap = createHeap({ memory: 1 << 20, strategy: hyperheap() });
 * const ptr = heap.alloc(100);
 * heap.free(ptr);
 * ```
 * @throws HeapError `ERR_INVALID_OPTION` for an option that is wrong, `ERR_COMPOSITION` for a stack that cannot be combined.
 */
export function createHeap<
  const S extends Strategy<string, unknown>,
  const P extends readonly PluginInput[] = readonly [],
>(
  options: HeapOptions<S, P> & Composable<S, P>,
): Heap & { readonly [Name in keyof ApisOf<S, P>]: ApisOf<S, P>[Name] };
// The types above are for callers; the constraint of a stack is not worth following in here.
export function createHeap(options: object): Heap {
  return buildHeap(make(options as AnyHeapOptions));
}

/**
 * Joins a heap that another agent made: a worker that was sent `heap.descriptor()`, with the same stack.
 *
 * @throws HeapError `ERR_INCOMPATIBLE_HEAP` naming every difference in strategy, plugins, versions and explicit options.
 */
export function attachHeap<
  const S extends Strategy<string, unknown>,
  const P extends readonly PluginInput[] = readonly [],
>(
  descriptor: HeapDescriptor,
  stack: StackOptions<S, P> & Composable<S, P>,
  options?: AttachOptions,
): Heap & { readonly [Name in keyof ApisOf<S, P>]: ApisOf<S, P>[Name] };
export function attachHeap(
  descriptor: HeapDescriptor,
  stackOptions: object,
  options: AttachOptions = {},
): Heap {
  const stack = stackOptions as AnyStackOptions;
  checkKeys("attachHeap", options, ["lock", "growth"]);
  if (typeof descriptor !== "object" || descriptor === null || descriptor.heapwright !== 1) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `attachHeap expects what heap.descriptor() returned, not ${show(descriptor)}`,
    );
  }
  const memory = createMemory(descriptor.memory as MemorySource);
  checkBase(descriptor.base, memory);
  return attach(memory, descriptor.base, planStack(stack.strategy, stack.plugins), {
    ...options,
    name: String(descriptor.name),
  });
}

/**
 * Makes a heap of the bytes `heap.snapshot()` returned, at any base congruent to the old one modulo the largest alignment
 * ever granted (4096 once a page run exists). Addresses move with the base: keep offsets (`heap.toOffset`) across it.
 *
 * @throws HeapError `ERR_INCOMPATIBLE_HEAP` naming what differs, or if the bytes are no heap; `ERR_HEAP_CORRUPT` if they
 * are a broken one.
 */
export function restoreHeap<
  const S extends Strategy<string, unknown>,
  const P extends readonly PluginInput[] = readonly [],
>(
  bytes: Uint8Array,
  options: RestoreOptions<S, P> & Composable<S, P>,
): Heap & { readonly [Name in keyof ApisOf<S, P>]: ApisOf<S, P>[Name] };
export function restoreHeap(bytes: Uint8Array, options: object): Heap {
  return restore(bytes, options as RestoreOptions<AnyStrategy, readonly PluginInput[]>);
}

function restore(bytes: Uint8Array, options: RestoreOptions<AnyStrategy, readonly PluginInput[]>): Heap {
  checkKeys("restoreHeap", options, ["memory", "base", "strategy", "plugins", "lock", "growth", "name"]);
  if (!(bytes instanceof Uint8Array)) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `restoreHeap expects the bytes of a snapshot, not ${show(bytes)}`,
    );
  }
  const stack = planStack(options.strategy, options.plugins);
  const image = imageOf(bytes);
  const header = readHeader(image, 0);
  refuseDifferences(stack, header.manifest);
  const modulus = Math.max(header.alignGranted, REGION_ALIGN);
  const base = options.base ?? header.base % modulus;
  const memory = createMemory(options.memory ?? roundUp(base + bytes.length, PAGE), options.growth?.max);
  checkBase(base, memory);
  if ((base - header.base) % modulus !== 0) {
    throw new HeapError(
      "ERR_INCOMPATIBLE_HEAP",
      `base ${base} is not congruent to the old base ${header.base} modulo ${modulus}, the largest alignment granted`,
    );
  }
  if (base + header.regionBytes > memory.buffer.byteLength) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `the heap has ${header.regionBytes} bytes, the memory has not so many from ${base} on`,
    );
  }
  if (base + header.maxBytes > MAX_END) {
    throw new HeapError(
      "ERR_INCOMPATIBLE_HEAP",
      `the heap is made to grow to ${header.maxBytes} bytes, too many from ${base} on`,
    );
  }
  const agent = prepare(memory, stack, options);
  memory.u8.set(bytes.subarray(0, header.regionBytes), base);
  memory.u8.fill(0, base + LOCK_OFFSET, base + LOCK_OFFSET + LOCK_BYTES);
  setWord(memory, base + HEADER.base, base);
  setWord(memory, base + HEADER.agents, 0);
  setWord(memory, base + HEADER.claimedBytes, header.regionBytes);
  setWord(memory, base + HEADER.lockKind, agent.lockKind);
  const heap = attach(memory, base, stack, options);
  heap.check();
  return heap;
}

/** Types one stack for all agents: `createHeap({ memory, ...stack })` here, `attachHeap(descriptor, stack)` there. */
export function defineStack<
  const S extends Strategy<string, unknown>,
  const P extends readonly PluginInput[] = readonly [],
>(stack: StackOptions<S, P> & Composable<S, P>): { readonly strategy: S; readonly plugins: P };
export function defineStack(options: object): AnyStackOptions {
  checkKeys("defineStack", options, ["strategy", "plugins"]);
  const stack = options as AnyStackOptions;
  planStack(stack.strategy, stack.plugins);
  return { strategy: stack.strategy, plugins: stack.plugins ?? [] };
}

/**
 * A strategy alone on a region: its primitives, with no plugin, no lock and no argument check above it. For those who
 * compare strategies or build their own entry points; `createHeap` is what apps use.
 */
export function createAllocator(options: {
  readonly memory: MemorySource;
  readonly strategy: Strategy<string, unknown>;
  readonly base?: number;
  readonly bytes?: number;
}): { readonly allocator: Allocator; readonly memory: Memory; readonly region: Region } {
  const { strategy, memory, region } = make({ ...options, lock: noLock });
  return { allocator: strategy, memory, region };
}

/** Checks everything, then writes the header and assembles this agent. */
function make(options: AnyHeapOptions): Assembly {
  checkKeys("createHeap", options, [
    "memory",
    "base",
    "bytes",
    "strategy",
    "plugins",
    "lock",
    "growth",
    "name",
  ]);
  const stack = resolveStack(planStack(options.strategy, options.plugins));
  const { memory, placement } = createRegion(stack, options);
  const agent = prepare(memory, stack, options);
  formatRegion(memory, placement, stack.manifest);
  setWord(memory, placement.base + HEADER.lockKind, agent.lockKind);
  const assembly = assemble({
    memory,
    placement,
    stack,
    ...agent,
    agent: nextAgent(memory, placement.base),
    fresh: true,
  });
  sealRegion(memory, placement.base);
  return assembly;
}

// ---- steps -------------------------------------------------------------------------------------------------------

function checkKeys(what: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw new HeapError("ERR_INVALID_OPTION", `${what} expects an object of options, not ${show(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new HeapError("ERR_INVALID_OPTION", `${what} has no option "${key}"`, {
        hint: `it has ${known.join(", ")}`,
      });
    }
  }
}

interface RegionOptions {
  readonly memory: MemorySource;
  readonly base?: number;
  readonly bytes?: number;
  readonly growth?: GrowthOptions;
}

/** The memory, and where everything goes in it. */
function createRegion(
  stack: ResolvedStack,
  options: RegionOptions,
): { memory: Memory; placement: Placement } {
  const { base = 0, bytes } = options;
  checkGrowth(options.growth);
  const source = typeof options.memory === "number" ? roundByteCount(options.memory) : options.memory;
  const max = options.growth?.max;
  const memory = createMemory(source, max === undefined ? undefined : roundByteCount(max));
  checkBase(base, memory);
  if (
    memory.buffer.byteLength < PAGE &&
    memory.maxBytes < PAGE &&
    memory.buffer.byteLength < base + REGION_ALIGN
  ) {
    throw new HeapError("ERR_INVALID_OPTION", `the memory has ${memory.buffer.byteLength} bytes`);
  }
  const end = base + (bytes ?? memory.buffer.byteLength - base);
  if (bytes !== undefined && (!Number.isInteger(bytes) || bytes < 1 || end > memory.buffer.byteLength)) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `bytes must be an integer that fits the memory from base on, not ${show(bytes)}`,
    );
  }
  const placement = placeRegion(stack, base, end, growthMax(memory, options.growth) ?? end);
  checkRoom(placement, stack.layout.headerBytes);
  return { memory, placement };
}

function checkGrowth(growth: GrowthOptions | undefined): void {
  if (growth === undefined) return;
  checkKeys("growth", growth, ["step", "max", "foreign"]);
  const { step, max, foreign } = growth;
  const positive = (value: unknown): boolean =>
    Number.isInteger(value) && (value as number) > 0 && (value as number) <= 2 ** 32;
  if (step !== undefined && !positive(step)) {
    throw new HeapError("ERR_INVALID_OPTION", `growth.step must be bytes in 1 … 2^32, not ${show(step)}`);
  }
  if (max !== undefined && !positive(max)) {
    throw new HeapError("ERR_INVALID_OPTION", `growth.max must be bytes in 1 … 2^32, not ${show(max)}`);
  }
  if (foreign !== undefined && foreign !== "leave" && foreign !== "adopt") {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `growth.foreign must be "leave" or "adopt", not ${show(foreign)}`,
    );
  }
}

/** Bytes the memory may reach; undefined: as it is. */
function growthMax(memory: Memory, growth: GrowthOptions | undefined): number | undefined {
  if (growth === undefined) return undefined;
  if (growth.max === undefined && memory.kind === "WebAssembly.Memory") {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      "growth.max is needed: a WebAssembly.Memory does not tell its maximum",
    );
  }
  // Whole pages, so that page runs can be cut wherever the area ends.
  return roundDown(Math.min(roundByteCount(growth.max ?? memory.maxBytes), memory.maxBytes), PAGE);
}

type PreparedAgent = {
  readonly lock: LockKind | Lock;
  readonly lockKind: number;
  readonly name: string;
  readonly growth: { readonly auto: boolean; readonly step: number; readonly foreign: "leave" | "adopt" };
};

/** Checks what belongs to the agent, not to the bytes. */
function prepare(memory: Memory, stack: Stack, options: AgentOptions): PreparedAgent {
  const { name = "heap", growth } = options;
  if (typeof name !== "string")
    throw new HeapError("ERR_INVALID_OPTION", `name must be a string, not ${show(name)}`);
  checkGrowth(growth);
  if (memory.shared && !stack.strategy.capabilities.shared) {
    throw new HeapError(
      "ERR_COMPOSITION",
      `strategy "${stack.strategy.name}" cannot be used by several agents, and the memory is shared`,
      {
        hint: "use an ArrayBuffer, or a strategy with the capability `shared`",
      },
    );
  }
  const lock = chooseLock(memory, options.lock ?? "auto");
  const lockName = "create" in lock ? lock.name : "other";
  const lockKind =
    lockName === "none" ? LOCK_KINDS.none : lockName === "atomics" ? LOCK_KINDS.atomics : LOCK_KINDS.other;
  return {
    lock,
    lockKind,
    name,
    growth: {
      auto: growth !== undefined,
      step: growth?.step ?? DEFAULT_STEP,
      foreign: growth?.foreign ?? "adopt",
    },
  };
}

function chooseLock(memory: Memory, lock: unknown): LockKind | Lock {
  if (lock === "auto") return memory.shared ? atomicsLock() : noLock;
  const shape = lock as Partial<LockKind & Lock> | null;
  const isKind = typeof shape?.create === "function" && typeof shape.name === "string";
  const isLock = [shape?.enter, shape?.tryEnter, shape?.leave].every(
    (member) => typeof member === "function",
  );
  if (typeof lock !== "object" || lock === null || (!isKind && !isLock)) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `lock must be "auto", noLock, atomicsLock() or a Lock, not ${show(lock)}`,
    );
  }
  return lock as LockKind | Lock;
}

/** Joins the heap at `base`, whoever made it. */
function attach(memory: Memory, base: number, stack: Stack, options: AgentOptions): Heap {
  const header = readHeader(memory, base);
  refuseDifferences(stack, header.manifest);
  const agent = prepare(memory, stack, options);
  if (agent.lockKind !== header.lockKind) {
    const named = (kind: number): string =>
      Object.entries(LOCK_KINDS).find(([, value]) => value === kind)?.[0] ?? String(kind);
    throw new HeapError(
      "ERR_INCOMPATIBLE_HEAP",
      `lock: the heap has "${named(header.lockKind)}", this agent "${named(agent.lockKind)}"`,
    );
  }
  const resolved = resolveStack(stack, header.manifest);
  const end = base + header.regionBytes;
  const placement = placeRegion(resolved, base, end, base + header.maxBytes);
  if (
    resolved.layout.fingerprint !== header.manifest.layout ||
    placement.areaStart - base !== header.headerBytes
  ) {
    throw new HeapError(
      "ERR_INCOMPATIBLE_HEAP",
      `chunk layout: the heap has "${header.manifest.layout}" after ${header.headerBytes} bytes of header, this stack ` +
        `"${resolved.layout.fingerprint}" after ${placement.areaStart - base}`,
    );
  }
  return buildHeap(
    assemble({ memory, placement, stack: resolved, ...agent, agent: nextAgent(memory, base), fresh: false }),
  );
}

function refuseDifferences(stack: Stack, manifest: Parameters<typeof differences>[0]): void {
  const found = differences(manifest, stack.strategy, stack.plugins);
  if (found.length === 0) return;
  throw new HeapError("ERR_INCOMPATIBLE_HEAP", found.join("; "), {
    hint: "attach with the stack that made the heap; options that are left out are taken from it",
  });
}

/** The bytes of a snapshot as a Memory, copied only if they do not begin on a word. */
function imageOf(bytes: Uint8Array): Memory {
  if (bytes.length < REGION_ALIGN * 2)
    throw new HeapError("ERR_INCOMPATIBLE_HEAP", "the bytes are too few for a heap");
  return createMemory(bytes.slice().buffer);
}

function nextAgent(memory: Memory, base: number): number {
  return Atomics.add(memory.i32, (base + HEADER.agents) >>> 2, 1) + 1;
}

function setWord(memory: Memory, address: number, value: number): void {
  memory.u32[address >>> 2] = value;
}
