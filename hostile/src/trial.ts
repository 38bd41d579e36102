/** One seed: a mutated image in the middle of somebody else's bytes, opened and used. */
import { attachHeap, type Heap, restoreHeap } from "@heapwright/core";
import { BASE, BEHIND, type Config, type Image, imagesOf, lockFor, partsOf, STACKS } from "./images.js";
import { mutate } from "./mutate.js";
import { Random } from "./random.js";
import { expectClear, use, Violation } from "./use.js";

export type Outcome = "refused" | "used";

const GUARD = new Uint8Array(Math.max(BASE, BEHIND));
for (let at = 0; at < GUARD.length; at++) GUARD[at] = (at * 37 + 11) & 255;

/**
 * @param step Told what comes next; a trial that takes for ever is told from outside.
 * @throws Violation
 */
export function trial(strategy: string, seed: number, step: (what: string) => void): Outcome {
  if (strategy in PLANTED) return PLANTED[strategy as keyof typeof PLANTED](step);
  const random = new Random(seed);
  const config: Config = {
    strategy,
    stack: random.pick(["plain", "plain", "plain", ...Object.keys(STACKS)]),
    grows: random.below(3) === 0,
  };
  const images = imagesOf(config);
  const image = random.pick(images);
  const { bytes, done } = mutate(random, image, images);
  step(`${config.stack}${config.grows ? ", grows" : ""}: ${done.join("; ")}`);
  try {
    return random.below(2) === 0
      ? restored(config, image, bytes, random, step)
      : attached(config, image, bytes, random, step);
  } catch (error) {
    const { message } = error as Error;
    throw new Violation(`${config.stack}: ${done.join("; ")}\n${message}`, { cause: error });
  }
}

/** What the tests plant to see that it is noticed. */
const PLANTED = {
  endless(): never {
    for (;;);
  },
  trespasser(step: (what: string) => void): Outcome {
    const config = { strategy: "tlsf", stack: "plain", grows: false };
    const [image] = imagesOf(config);
    const memory = guarded((image as Image).bytes.length, false);
    const heap = restoreHeap((image as Image).bytes, { memory, base: BASE, ...partsOf(config) }) as Heap;
    const trespass = (what: string): void => {
      heap.memory.u8[BASE - 1] = 0;
      step(what);
    };
    useInside(config, heap, [], new Random(1), true, trespass);
    return "used";
  },
};

function restored(
  config: Config,
  { live }: Image,
  bytes: Uint8Array,
  random: Random,
  step: (what: string) => void,
): Outcome {
  step("restoreHeap");
  const memory = guarded(bytes.length, config.grows);
  const before = new Uint8Array(memory.slice(0));
  let heap: Heap;
  try {
    heap = restoreHeap(bytes, {
      memory,
      base: BASE,
      ...partsOf(config),
      ...lockFor(config),
      ...growthFor(config, memory),
    }) as Heap;
  } catch (error) {
    expectClear(error, "restoreHeap");
    if (!same(before, new Uint8Array(memory), 0, memory.byteLength))
      throw new Violation("restoreHeap refused, and has written to the memory");
    return "refused";
  }
  useInside(config, heap, live, random, true, step);
  return "used";
}

function attached(
  config: Config,
  { live }: Image,
  bytes: Uint8Array,
  random: Random,
  step: (what: string) => void,
): Outcome {
  step("attachHeap");
  const memory = guarded(bytes.length, config.grows);
  new Uint8Array(memory).set(bytes, BASE);
  let heap: Heap;
  try {
    heap = attachHeap({ heapwright: 1, name: "hostile", base: BASE, memory }, partsOf(config), {
      ...lockFor(config),
      ...growthFor(config, memory),
    }) as Heap;
  } catch (error) {
    expectClear(error, "attachHeap");
    return "refused";
  }
  useInside(config, heap, live, random, false, step);
  return "used";
}

/** What can grow has nobody's bytes behind it: nothing but the header says that somebody else's begin there. */
function guarded(bytes: number, grows: boolean): ArrayBuffer {
  const end = BASE + bytes;
  const memory = new ArrayBuffer(grows ? end : end + BEHIND, grows ? { maxByteLength: end + 65536 } : {});
  const u8 = new Uint8Array(memory);
  u8.set(GUARD.subarray(0, BASE));
  if (!grows) u8.set(GUARD.subarray(0, BEHIND), end);
  return memory;
}

function growthFor({ grows }: Config, memory: ArrayBuffer) {
  return grows ? { growth: { max: memory.maxByteLength, step: 4096 } } : {};
}

/** Nothing outside the region may change. What a heap that grows takes over behind it is its own then. */
function useInside(
  { grows }: Config,
  heap: Heap,
  live: readonly number[],
  random: Random,
  sound: boolean,
  step: (what: string) => void,
): void {
  const { region, memory } = heap;
  const end = region.base + region.bytes;
  const before = new Uint8Array(memory.buffer.slice(0));
  use({ heap, live, random, sound, step });
  const after = new Uint8Array(memory.buffer);
  if (!same(before, after, 0, region.base)) throw new Violation("bytes before the region were changed");
  if (!grows && !same(before, after, end, before.length))
    throw new Violation("bytes behind the region were changed");
}

function same(a: Uint8Array, b: Uint8Array, from: number, to: number): boolean {
  return Buffer.compare(a.subarray(from, to), b.subarray(from, to)) === 0;
}
