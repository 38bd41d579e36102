/**
 * Names of tags, interned in the heap's memory: the same name is the same number for every agent and in every copy of the heap.
 *
 *     names    |length|UTF-8, 64 bytes|length|UTF-8 …                     the n-th name is that of tag n
 *     index    |n|0|0|n|…                                                 hash table, open addressing, linear probing
 *
 * | word | invariant |
 * |---|---|
 * | length | bytes of the name, 1 … 64; no two names are equal |
 * | n | number of a name, found from its hash on before any 0; at most half of the places are taken |
 *
 * A name is written first, then found by the index, then counted: a number that is not counted yet is no name. Names are never
 * removed, so each agent may remember what it has looked up.
 *
 * Price: O(1) to intern and to find one, O(1) from number to name.
 */
import type { Context } from "@heapwright/core";

/** Bytes of UTF-8 a name has at most. */
export const NAME_BYTES = 64;
const NAME_WORDS = 1 + NAME_BYTES / 4;

/** Places of the index: a power of two, at least twice the names. */
export function indexSlots(maxTags: number): number {
  return 2 ** Math.ceil(Math.log2(2 * maxTags));
}

type Encoder = { encode(text: string): Uint8Array };
type Decoder = { decode(bytes: Uint8Array): string };
declare const TextEncoder: new () => Encoder;
declare const TextDecoder: new (label: string, options: { ignoreBOM: boolean }) => Decoder;

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Where they are: byte addresses. */
export interface NamePlaces {
  /** The word that counts them. */
  readonly count: number;
  readonly names: number;
  readonly index: number;
}

/** One agent's view of them. */
export class Names {
  readonly #ctx: Context;
  readonly #count: number;
  readonly #names: number;
  readonly #index: number;
  readonly #mask: number;
  readonly #maxTags: number;
  /** What this agent has looked up: numbers by name, names by number. */
  readonly #numbers = new Map<string, number>();
  readonly #texts: (string | undefined)[] = [];

  constructor(ctx: Context, maxTags: number, { count, names, index }: NamePlaces) {
    this.#ctx = ctx;
    this.#count = count >>> 2;
    this.#names = names >>> 2;
    this.#index = index >>> 2;
    this.#mask = indexSlots(maxTags) - 1;
    this.#maxTags = maxTags;
  }

  /** Names interned. Never more than there can be, whatever is in the word. */
  get count(): number {
    return Math.min(this.#ctx.memory.u32[this.#count] as number, this.#maxTags);
  }

  /** Number of a name, 0 if there is none such. */
  find(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const bytes = new TextEncoder().encode(name);
    return this.#remember(
      this.#ctx.observe(() => this.#search(bytes)),
      name,
    );
  }

  /** Number of a name, which is new if need be; 0, and nothing has changed, if it is and there is no room. */
  intern(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const bytes = new TextEncoder().encode(name);
    return this.#remember(
      this.#ctx.exclusive(() => this.#search(bytes) || this.#add(bytes)),
      name,
    );
  }

  /** The name of a number; undefined if there is none such. */
  text(number: number): string | undefined {
    const known = this.#texts[number];
    if (known !== undefined) return known;
    // Names are only ever added, and counted last: nobody needs to be waited for, as in the midst of a call nobody can be.
    this.#ctx.sync();
    const { u32 } = this.#ctx.memory;
    const count = Math.min(Atomics.load(u32, this.#count), this.#maxTags);
    const bytes = number >= 1 && number <= count ? this.#bytes(number) : undefined;
    if (bytes === undefined) return undefined;
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    this.#texts[number] = text;
    return text;
  }

  #search(bytes: Uint8Array): number {
    const place = this.#placeOf(bytes);
    return place < 0 ? 0 : this.#numberAt(place);
  }

  #add(bytes: Uint8Array): number {
    const number = this.count + 1;
    const place = this.#placeOf(bytes);
    if (number > this.#maxTags || place < 0) return 0;
    const { u8, u32 } = this.#ctx.memory;
    const at = this.#names + (number - 1) * NAME_WORDS;
    u8.set(bytes, (at + 1) * 4);
    u32[at] = bytes.length;
    u32[this.#index + place] = number;
    Atomics.store(u32, this.#count, number);
    return number;
  }

  /** A copy of a name's bytes. */
  #bytes(number: number): Uint8Array {
    const { u8, u32 } = this.#ctx.memory;
    const at = this.#names + (number - 1) * NAME_WORDS;
    const start = (at + 1) * 4;
    return u8.slice(start, start + Math.min(u32[at] as number, NAME_BYTES));
  }

  /** What is wrong with names and index, a sentence each. With the lock held. */
  findings(): string[] {
    const { u32 } = this.#ctx.memory;
    const written = u32[this.#count] as number;
    if (written > this.#maxTags) return [`${written} names where there can be ${this.#maxTags}`];
    const wrong: string[] = [];
    for (let number = 1; number <= written; number++) {
      const length = u32[this.#names + (number - 1) * NAME_WORDS] as number;
      if (length < 1 || length > NAME_BYTES) {
        wrong.push(`name ${number} has ${length} bytes`);
        continue;
      }
      const place = this.#placeOf(this.#bytes(number));
      const found = place < 0 ? 0 : this.#numberAt(place);
      if (found !== number) wrong.push(`name ${number} is found as number ${found}`);
    }
    let taken = 0;
    for (let place = 0; place <= this.#mask; place++) if (u32[this.#index + place] !== 0) taken++;
    if (taken !== written) wrong.push(`the index has ${taken} of ${written} names`);
    return wrong;
  }

  /** The number in a place, 0 where it is not counted yet: whoever was writing it has not come to an end. */
  #numberAt(place: number): number {
    const number = this.#ctx.memory.u32[this.#index + place] as number;
    return number <= this.count ? number : 0;
  }

  /** The place that has the name, or else the first one free for it; -1 in an index that is overwritten. */
  #placeOf(bytes: Uint8Array): number {
    const mask = this.#mask;
    let place = hashOf(bytes) & mask;
    for (let tries = 0; tries <= mask; tries++) {
      const number = this.#numberAt(place);
      if (number === 0 || this.#isNamed(number, bytes)) return place;
      place = (place + 1) & mask;
    }
    return -1;
  }

  #isNamed(number: number, bytes: Uint8Array): boolean {
    const { u8, u32 } = this.#ctx.memory;
    const at = this.#names + (number - 1) * NAME_WORDS;
    if (u32[at] !== bytes.length) return false;
    const start = (at + 1) * 4;
    return bytes.every((byte, index) => u8[start + index] === byte);
  }

  #remember(number: number, name: string): number {
    if (number !== 0) {
      this.#numbers.set(name, number);
      this.#texts[number] = name;
    }
    return number;
  }
}

/** What is wrong with a name; undefined if nothing is. */
export function refusalOf(name: unknown): string | undefined {
  if (typeof name !== "string") return `a tag's name must be text, not ${String(name)}`;
  if (name === "") return "a tag's name must not be empty";
  if (/\p{Surrogate}/u.test(name)) return "a tag's name must be well-formed: it has half of a surrogate pair";
  const { length } = new TextEncoder().encode(name);
  if (length > NAME_BYTES) {
    const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
    return `a tag's name must have at most ${NAME_BYTES} bytes of UTF-8, and ${JSON.stringify(shown)} has ${length}`;
  }
  return undefined;
}
