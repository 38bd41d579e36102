/**
 * Options: what may be given, checked before anything is made or changed.
 */
import type { Stack } from "./compose.js";
import { HeapError, show } from "./errors.js";
import { DEFAULT_STEP, type GrowthOptions } from "./growth.js";
import { PAGE, roundDown } from "./header.js";
import type { PluginInput } from "./infer.js";
import { atomicsLock, noLock } from "./lock.js";
import type { Memory, MemorySource } from "./memory.js";
import { roundByteCount } from "./region.js";
import type { Lock, LockKind, Strategy } from "./types.js";

export type AnyStrategy = Strategy<string, unknown>;

/** A strategy and plugins, in any order; see `defineStack`. */
export interface StackOptions<S extends AnyStrategy, P extends readonly PluginInput[]> {
  readonly strategy: S;
  readonly plugins?: P;
}
export type AnyStackOptions = StackOptions<AnyStrategy, readonly PluginInput[]>;

/** What belongs to one agent, not to the bytes. */
export interface AgentOptions {
  /** `"auto"` (default): none on memory of one agent, `atomicsLock()` on shared memory; attaching: as the heap has it. */
  readonly lock?: "auto" | LockKind | Lock;
  /** Without it no request makes the heap grow. */
  readonly growth?: GrowthOptions;
  /** Shown in errors and statistics; default "heap". */
  readonly name?: string;
}

export interface HeapOptions<S extends AnyStrategy, P extends readonly PluginInput[]>
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
export type AnyHeapOptions = HeapOptions<AnyStrategy, readonly PluginInput[]>;

export interface AttachOptions extends Omit<AgentOptions, "name"> {}

export interface RestoreOptions<S extends AnyStrategy, P extends readonly PluginInput[]>
  extends StackOptions<S, P>,
    AgentOptions {
  /** Where the copy goes; default a new buffer of just the size. */
  readonly memory?: MemorySource;
  /** Congruent to the old base modulo the largest alignment ever granted; default the smallest such base. */
  readonly base?: number;
}
export type AnyRestoreOptions = RestoreOptions<AnyStrategy, readonly PluginInput[]>;

/** Locks as the heap header names them. */
export const LOCK_KINDS = { none: 0, atomics: 1, other: 2 } as const;

/** Agent options, settled. */
export interface Agent {
  readonly lock: LockKind | Lock;
  readonly lockKind: number;
  readonly name: string;
  readonly growth: { readonly auto: boolean; readonly step: number; readonly foreign: "leave" | "adopt" };
}

export function checkKeys(what: string, options: unknown, known: readonly string[]): void {
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

export function checkGrowth(growth: GrowthOptions | undefined): void {
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
    const found = show(foreign);
    throw new HeapError("ERR_INVALID_OPTION", `growth.foreign must be "leave" or "adopt", not ${found}`);
  }
}

/** Bytes the memory may reach: what was said, else what the buffer was made for; undefined where nobody said. */
export function growthMax(memory: Memory, growth: GrowthOptions | undefined): number | undefined {
  const isWasm = memory.kind === "WebAssembly.Memory";
  if (growth === undefined && (isWasm || memory.maxBytes === memory.buffer.byteLength)) return undefined;
  if (isWasm && growth?.max === undefined) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      "growth.max is needed: a WebAssembly.Memory does not tell its maximum",
    );
  }
  // Whole pages, so that page runs can be cut wherever the area ends.
  return roundDown(Math.min(roundByteCount(growth?.max ?? memory.maxBytes), memory.maxBytes), PAGE);
}

/** @param heapLock The kind of lock the heap has, for who attaches to it. */
export function settleAgent(memory: Memory, stack: Stack, options: AgentOptions, heapLock?: number): Agent {
  const { name = "heap", growth } = options;
  if (typeof name !== "string") {
    throw new HeapError("ERR_INVALID_OPTION", `name must be a string, not ${show(name)}`);
  }
  checkGrowth(growth);
  if (memory.shared && !stack.strategy.capabilities.shared) {
    throw new HeapError(
      "ERR_COMPOSITION",
      `strategy "${stack.strategy.name}" cannot be used by several agents, and the memory is shared`,
      { hint: "use an ArrayBuffer, or a strategy with the capability `shared`" },
    );
  }
  const lock = chooseLock(memory, options.lock ?? "auto", heapLock);
  const kind = "create" in lock ? lock.name : "other";
  return {
    lock,
    lockKind: kind === "none" ? LOCK_KINDS.none : kind === "atomics" ? LOCK_KINDS.atomics : LOCK_KINDS.other,
    name,
    growth: {
      auto: growth !== undefined,
      step: growth?.step ?? DEFAULT_STEP,
      foreign: growth?.foreign ?? "adopt",
    },
  };
}

function chooseLock(memory: Memory, lock: unknown, heapLock: number | undefined): LockKind | Lock {
  if (lock === "auto") {
    if (heapLock === LOCK_KINDS.other) {
      throw new HeapError("ERR_INCOMPATIBLE_HEAP", "lock: the heap has a lock of its user's own", {
        hint: "give that lock as `lock`",
      });
    }
    const shared = heapLock === undefined ? memory.shared : heapLock === LOCK_KINDS.atomics;
    return shared ? atomicsLock() : noLock;
  }
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
