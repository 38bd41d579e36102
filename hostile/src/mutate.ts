/** What is done to an image. */
import type { Image } from "./images.js";
import type { Random } from "./random.js";

const HEADER_WORDS = 16;
const MANIFEST = 128;

/** Numbers at which something begins, ends or turns negative. */
const BOUNDARIES = [
  0, 1, 2, 3, 4, 15, 16, 17, 32, 63, 64, 65, 127, 128, 255, 256, 4095, 4096, 65535, 65536, 0x7fffffff,
  0x80000000, 0x80000001, 0xfffffff0, 0xffffffff, 0xfffffffe, 0xfffff000, 0x3fffffff, 0x40000000,
] as const;

/** A mutated copy, and what was done, in words. */
export function mutate(
  random: Random,
  image: Image,
  others: readonly Image[],
): { readonly bytes: Uint8Array; readonly done: readonly string[] } {
  let bytes = image.bytes.slice();
  const done: string[] = [];
  for (let left = random.pick([1, 1, 1, 2, 3, 8]); left > 0; left--) {
    const words = new Uint32Array(bytes.buffer, 0, bytes.length >>> 2);
    const kind = random.below(20);
    if (kind === 0) {
      // Shorter, or longer by what was never a heap's.
      const length = random.below(3) === 0 ? random.below(512) : random.below(bytes.length + 4096);
      const cut = new Uint8Array(length);
      cut.set(bytes.subarray(0, length));
      bytes = cut;
      done.push(`cut to ${length} bytes`);
    } else if (bytes.length < MANIFEST) {
    } else if (kind === 1) {
      const other = random.pick(others).bytes;
      const from = random.below(bytes.length) & -4;
      const to = Math.min(bytes.length, other.length, from + random.pick([16, 64, 512, 4096, 1 << 20]));
      bytes.set(other.subarray(from, Math.max(from, to)), Math.min(from, to));
      done.push(`spliced ${from} to ${to}`);
    } else if (kind < 4) {
      const at = random.below(HEADER_WORDS);
      put(words, at, valueFor(random, words, image), done);
    } else if (kind === 4) {
      mutateManifest(random, bytes, image, done);
    } else if (kind < 8) {
      const at = placeFor(random, image, bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      done.push(`flipped a bit of byte ${at}`);
    } else {
      put(words, placeFor(random, image, words.length * 4) >>> 2, valueFor(random, words, image), done);
    }
  }
  return { bytes, done };
}

function put(words: Uint32Array, at: number, value: number, done: string[]): void {
  done.push(`word at ${at * 4}: ${words[at]} to ${value >>> 0}`);
  words[at] = value;
}

/** Mostly where something is: in the states and tables more often than in the area, whose payloads say nothing. */
function placeFor(random: Random, image: Image, length: number): number {
  const places = random.below(3) === 0 ? image.areaWords : image.stateWords;
  const at = random.below(8) === 0 ? random.below(length) : random.pick(places) * 4 + random.below(4);
  return at < length ? at : random.below(length);
}

function valueFor(random: Random, words: Uint32Array, image: Image): number {
  const near = random.pick([0, 0, 1, -1, 4, -4, 16, -16]);
  switch (random.below(6)) {
    case 0:
      return random.next();
    case 1:
      return (words[random.below(words.length)] as number) + near;
    case 2:
      return random.pick([image.headerBytes, image.bytes.length, image.bytes.length >>> 2]) + near;
    case 3:
      return random.below(image.bytes.length) & random.pick([-1, -4, -16]);
    case 4:
      return random.below(2048);
    default:
      return random.pick(BOUNDARIES) + near;
  }
}

/** Another number, or another character, in the text that says what made the heap. */
function mutateManifest(random: Random, bytes: Uint8Array, image: Image, done: string[]): void {
  const length = new DataView(image.bytes.buffer).getUint32(32, true);
  const text = new TextDecoder().decode(image.bytes.subarray(MANIFEST, MANIFEST + length));
  const values = [
    "0",
    "-1",
    "1e9",
    "4294967296",
    "0.5",
    "null",
    '"x"',
    "true",
    "[]",
    "{}",
    "-0",
    "1e308",
    "17",
  ];
  const numbers = [...text.matchAll(/:(-?\d+|"[^"]*"|true|false)/g)];
  const match = random.pick(numbers);
  const start = (match.index ?? 0) + 1;
  const value = random.pick(values);
  const changed =
    random.below(3) === 0
      ? text.replace(
          /"options":\{/,
          `"options":{"${random.pick(["__proto__", "toString", "bytes", "a"])}":${value},`,
        )
      : text.slice(0, start) + value + text.slice(start + (match[1] as string).length);
  const encoded = new TextEncoder().encode(changed);
  // As long as it was, if that can be: white space is no difference.
  const padded = new Uint8Array(Math.max(encoded.length, length)).fill(32);
  padded.set(encoded);
  const fitting = padded.subarray(0, bytes.length - MANIFEST);
  bytes.set(fitting, MANIFEST);
  new DataView(bytes.buffer).setUint32(32, fitting.length, true);
  done.push(`manifest: ${changed}`);
}
