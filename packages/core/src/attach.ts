/**
 * `attachHeap`: one more agent on a heap that another one made.
 */
import { type Assembly, type AssemblyOptions, assemble } from "./assemble.js";
import { buildHeap } from "./build.js";
import { planStack, resolveStack, type Stack } from "./compose.js";
import { HeapError, hex, show } from "./errors.js";
import type { Heap, HeapDescriptor } from "./heap-types.js";
import type { ApisOf, Composable, PluginInput } from "./infer.js";
import { differences, type Manifest } from "./manifest.js";
import { createMemory, type Memory, type MemorySource } from "./memory.js";
import {
  type AgentOptions,
  type AnyStackOptions,
  type AnyStrategy,
  type AttachOptions,
  checkKeys,
  LOCK_KINDS,
  type StackOptions,
  settleAgent,
} from "./options.js";
import { checkBase, nextAgent, placeRegion, readHeader } from "./region.js";

/**
 * Joins a heap that another agent made: a worker that was sent `heap.descriptor()`, with the same stack.
 *
 * @throws HeapError `ERR_INCOMPATIBLE_HEAP` naming every difference in strategy, plugins, versions and explicit options.
 */
export function attachHeap<const S extends AnyStrategy, const P extends readonly PluginInput[] = readonly []>(
  descriptor: HeapDescriptor,
  stack: StackOptions<S, P> & Composable<S, P>,
  options?: AttachOptions,
): Heap & { readonly [Name in keyof ApisOf<S, P>]: ApisOf<S, P>[Name] };
export function attachHeap(
  descriptor: HeapDescriptor,
  stackOptions: object,
  options: AttachOptions = {},
): Heap {
  checkKeys("the stack given to attachHeap", stackOptions, ["strategy", "plugins"]);
  checkKeys("attachHeap", options, ["lock", "growth"]);
  if (typeof descriptor !== "object" || descriptor === null || descriptor.heapwright !== 1) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `attachHeap expects what heap.descriptor() returned, not ${show(descriptor)}`,
    );
  }
  const memory = createMemory(descriptor.memory as MemorySource);
  checkBase(descriptor.base, memory);
  const { strategy, plugins } = stackOptions as AnyStackOptions;
  const { name } = descriptor;
  if (typeof name !== "string")
    throw new HeapError("ERR_INVALID_OPTION", `the descriptor's name must be a string, not ${show(name)}`);
  return attach(memory, descriptor.base, planStack(strategy, plugins), { ...options, name });
}

/** Joins the heap at `base`, whoever made it. */
export function attach(memory: Memory, base: number, stack: Stack, options: AgentOptions): Heap {
  const header = readHeader(memory, base);
  refuseDifferences(stack, header.manifest);
  const wrong = (why: string, hint?: string): HeapError =>
    new HeapError("ERR_INCOMPATIBLE_HEAP", why, hint === undefined ? {} : { hint });
  if (header.base !== base) {
    throw wrong(
      `the heap at ${hex(base)} was made at ${hex(header.base)}`,
      "restoreHeap moves a heap to another base",
    );
  }
  // The buffer may have grown since, and become no smaller.
  if (header.claimedBytes < header.regionBytes || header.claimedBytes > memory.buffer.byteLength - base)
    throw wrong(`the heap claims ${header.claimedBytes} bytes, which are not all here`);
  const agent = settleAgent(memory, stack, options, header.lockKind);
  if (agent.lockKind !== header.lockKind) {
    const named = (kind: number): string =>
      Object.entries(LOCK_KINDS).find(([, value]) => value === kind)?.[0] ?? String(kind);
    throw wrong(`lock: the heap has "${named(header.lockKind)}", this agent "${named(agent.lockKind)}"`);
  }
  const resolved = resolveStack(stack, header.manifest);
  const placement = placeRegion(resolved, base, base + header.regionBytes, base + header.maxBytes);
  const headerBytes = placement.areaStart - base;
  if (resolved.layout.fingerprint !== header.manifest.layout || headerBytes !== header.headerBytes) {
    throw wrong(
      `chunk layout: the heap has "${header.manifest.layout}" after ${header.headerBytes} bytes of header, ` +
        `this stack "${resolved.layout.fingerprint}" after ${headerBytes}`,
    );
  }
  const id = nextAgent(memory, base);
  const assembled = assembleJoined({ memory, placement, stack: resolved, ...agent, agent: id, fresh: false });
  return buildHeap(assembled);
}

/** If another agent has grown the heap meanwhile, its words may lead behind the end that this one has read. */
function assembleJoined(options: AssemblyOptions): Assembly {
  const { memory, placement } = options;
  try {
    return assemble(options);
  } catch (failure) {
    const { regionBytes } = readHeader(memory, placement.base);
    const areaEnd = placement.base + regionBytes;
    if (areaEnd <= placement.areaEnd || areaEnd > placement.areaMax) throw failure;
    return assembleJoined({ ...options, placement: { ...placement, areaEnd } });
  }
}

export function refuseDifferences(stack: Stack, manifest: Manifest): void {
  const found = differences(manifest, stack.strategy, stack.plugins);
  if (found.length === 0) return;
  throw new HeapError("ERR_INCOMPATIBLE_HEAP", found.join("; "), {
    hint: "attach with the stack that made the heap; options that are left out are taken from it",
  });
}
