/**
 * `restoreHeap`: a heap on a copy of another one's bytes, at any base whose alignments are the same.
 */
import { attach, refuseDifferences } from "./attach.js";
import { planStack, resolveStack } from "./compose.js";
import { HeapError, show } from "./errors.js";
import { GATE_BYTES } from "./gates.js";
import { HEADER, LOCK_BYTES, LOCK_OFFSET, MAX_END, PAGE, REGION_ALIGN, roundUp } from "./header.js";
import type { Heap } from "./heap-types.js";
import type { ApisOf, Composable, PluginInput } from "./infer.js";
import { noLock } from "./lock.js";
import { createMemory, type Memory } from "./memory.js";
import {
  type AnyRestoreOptions,
  type AnyStrategy,
  checkKeys,
  LOCK_KINDS,
  type RestoreOptions,
  settleAgent,
} from "./options.js";
import { checkBase, type HeaderWords, placeRegion, readHeader, roundByteCount } from "./region.js";

/**
 * Makes a heap of the bytes `heap.snapshot()` returned, at any base congruent to the old one modulo the largest alignment
 * ever granted (4096 once a page run exists). Addresses move with the base: keep offsets (`heap.toOffset`) across it.
 *
 * @throws HeapError `ERR_INCOMPATIBLE_HEAP` naming what differs, or if the bytes are no heap; `ERR_HEAP_CORRUPT` if they
 * are a broken one. The memory given is not written then.
 */
export function restoreHeap<
  const S extends AnyStrategy,
  const P extends readonly PluginInput[] = readonly [],
>(
  bytes: Uint8Array,
  options: RestoreOptions<S, P> & Composable<S, P>,
): Heap & { readonly [Name in keyof ApisOf<S, P>]: ApisOf<S, P>[Name] };
export function restoreHeap(bytes: Uint8Array, given: object): Heap {
  const options = given as AnyRestoreOptions;
  checkKeys("restoreHeap", options, ["memory", "base", "strategy", "plugins", "lock", "growth", "name"]);
  if (!(bytes instanceof Uint8Array)) {
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `restoreHeap expects the bytes of a snapshot, not ${show(bytes)}`,
    );
  }
  const stack = planStack(options.strategy, options.plugins);
  const header = readHeader(imageOf(bytes, 0), 0);
  refuseDifferences(stack, header.manifest);
  const { memory, base, claimed } = chooseMemory(header, options);
  const agent = settleAgent(memory, stack, options);

  // Tried on a copy first, at a base that is the same modulo every alignment: a broken heap shall not overwrite anything.
  const trial = base % PAGE;
  const image = imageOf(bytes, trial);
  prepareImage(image, trial, trial, LOCK_KINDS.none);
  image.u32[(trial + HEADER.claimedBytes) >>> 2] = header.regionBytes;
  const resolved = resolveStack(stack, header.manifest);
  if (stack.hasFront) {
    // Nobody stands at its gates.
    const { gates } = placeRegion(resolved, trial, trial + header.regionBytes, trial + header.maxBytes);
    image.u8.fill(0, gates, gates + resolved.shards * GATE_BYTES);
  }
  attach(image, trial, stack, { lock: noLock }).check();

  prepareImage(image, trial, base, agent.lockKind);
  image.u32[(trial + HEADER.claimedBytes) >>> 2] = Math.min(claimed - base, 2 ** 32 - 1);
  memory.u8.set(image.u8.subarray(trial, trial + header.regionBytes), base);
  return attach(memory, base, stack, options);
}

/** Where the copy goes. `claimed` is the end of what is the heap's or nobody's. */
function chooseMemory(
  header: HeaderWords,
  options: AnyRestoreOptions,
): { memory: Memory; base: number; claimed: number } {
  const modulus = Math.max(header.alignGranted, REGION_ALIGN);
  const { base = header.base % modulus, growth } = options;
  if (!Number.isInteger(base)) {
    throw new HeapError("ERR_INVALID_OPTION", `base must be a multiple of 64, not ${show(base)}`);
  }
  const source = options.memory ?? roundUp(base + header.regionBytes, PAGE);
  const max = growth?.max === undefined ? undefined : roundByteCount(growth.max);
  const memory = createMemory(typeof source === "number" ? roundByteCount(source) : source, max);
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
  const isOurs = typeof source === "number";
  return { memory, base, claimed: isOurs ? memory.buffer.byteLength : base + header.regionBytes };
}

/** A copy of the bytes at `base` of a buffer of their own. */
function imageOf(bytes: Uint8Array, base: number): Memory {
  if (bytes.length < REGION_ALIGN * 2) {
    throw new HeapError("ERR_INCOMPATIBLE_HEAP", "the bytes are too few for a heap");
  }
  const copy = new Uint8Array(base + bytes.length);
  copy.set(bytes, base);
  return createMemory(copy.buffer);
}

/** The words that are not the old heap's: a free lock, no agents, another base. */
function prepareImage(image: Memory, at: number, base: number, lockKind: number): void {
  image.u8.fill(0, at + LOCK_OFFSET, at + LOCK_OFFSET + LOCK_BYTES);
  image.u32[(at + HEADER.base) >>> 2] = base;
  image.u32[(at + HEADER.agents) >>> 2] = 0;
  image.u32[(at + HEADER.lockKind) >>> 2] = lockKind;
}
