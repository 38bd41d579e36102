/**
 * Chunk layout: the header of a chunk as a schema.
 *
 * The strategy declares its fields, each plugin the 32-bit slots it wants in every header; here they get their offsets,
 * once. A strategy written against the layout needs no change when a plugin asks for a slot, and without plugins no byte is
 * spent on them. For hyperheap (`next prev * heap`):
 *
 *     no or one slot, 16 bytes        six slots, four of which adjoin the payload, 48 bytes
 *     0    4    8    12   16          0    4    8    12   16                       32         48
 *     |next|prev|slot|heap|payload    |next|prev|slot|heap|slot| not used          |adjoining|payload
 *
 * The header is a multiple of 16 bytes, so that payloads stay 16-aligned: `16 * ceil((4 + slots - 1) / 4)`. A packed one is not filled: its
 * strategy puts chunks where payloads come out aligned.
 *
 *     packed `size`, three slots      the same slots for a part with `next prev heap`
 *     0    4    8    12   16          0    4    8    12                  20   24   28   32
 *     |size|slot|slot|slot|payload    |next|prev|heap| not used          |slot|slot|slot|payload
 *
 * Without the place `*` the slots stand right in front of the payload, in one order whatever the fields: blocks of several strategies in one
 * stack have them at the same distance.
 */
import { HeapError } from "./errors.js";
import type { Layout, SlotRequest } from "./types.js";

const WORD = 4;
const GRANULE = 16;
/** Place in a strategy's field list that is kept for the first slot. */
const FIRST_SLOT = "*";

/** A slot as asked for, with the plugin that did. */
export interface OwnedSlot extends SlotRequest {
  readonly owner: string;
}

/** Where one slot is. */
export interface PlacedSlot {
  /** Bytes from the slot's first word to the payload. */
  readonly distance: number;
  /** Index of the first word among the side words; -1 for adjoining slots, which blocks without a header do not have. */
  readonly sideIndex: number;
}

/** A layout, and where each slot is: `"plugin.slot"`. */
export interface ChunkLayout extends Layout {
  readonly slots: ReadonlyMap<string, PlacedSlot>;
}

/**
 * Computes the layout of a stack.
 * @throws HeapError `ERR_COMPOSITION` if a plugin asks for one slot twice or for a number of words that is none.
 */
export function layoutChunk(
  fields: readonly string[],
  requests: readonly OwnedSlot[],
  packed = false,
): ChunkLayout {
  const words: string[] = [];
  const ordinary = expand(requests.filter((slot) => slot.adjoins !== true));
  const adjoining = expand(requests.filter((slot) => slot.adjoins === true));
  const sideNames = [...ordinary];
  // A single word, if there is one: the words of the others stay together.
  const single = requests.find(({ words = 1, adjoins }) => words === 1 && adjoins !== true);
  const first = single === undefined ? 0 : ordinary.indexOf(wordName(keyOf(single), 0));

  for (const field of fields) {
    if (field !== FIRST_SLOT) words.push(field);
    else if (ordinary.length > 0) words.push(...ordinary.splice(first, 1));
    else if (adjoining.length === 0) words.push("");
  }
  const used = words.length + ordinary.length + adjoining.length;
  const filling = packed ? 0 : Math.ceil(used / (GRANULE / WORD)) * (GRANULE / WORD) - used;
  const fill = Array.from({ length: filling }, () => "");
  if (fields.includes(FIRST_SLOT)) words.push(...ordinary, ...fill, ...adjoining);
  else words.push(...fill, ...ordinary, ...adjoining);

  const headerBytes = words.length * WORD;
  const slots = new Map<string, PlacedSlot>();
  for (const slot of requests) {
    const key = keyOf(slot);
    const first = wordName(key, 0);
    if (slots.has(key))
      throw new HeapError("ERR_COMPOSITION", `plugin "${slot.owner}" asks for slot "${slot.name}" twice`);
    slots.set(key, {
      distance: headerBytes - words.indexOf(first) * WORD,
      sideIndex: sideNames.indexOf(first),
    });
  }
  return {
    headerBytes,
    sideWords: sideNames.length,
    slots,
    fingerprint: `${words.map((word) => word || "-").join(" ")} | ${headerBytes}`,
    part: (strategy) =>
      layoutChunk(
        strategy.fields.filter((field) => field !== FIRST_SLOT),
        requests,
        strategy.packed,
      ),
    field(name) {
      const index = words.indexOf(name);
      if (index < 0) throw new HeapError("ERR_COMPOSITION", `the chunk header has no field "${name}"`);
      return index * WORD;
    },
  };
}

function keyOf({ owner, name }: OwnedSlot): string {
  return `${owner}.${name}`;
}

function wordName(key: string, index: number): string {
  return index === 0 ? key : `${key}+${index}`;
}

/** One name per word. */
function expand(slots: readonly OwnedSlot[]): string[] {
  return slots.flatMap((slot) => {
    const count = slot.words ?? 1;
    if (!Number.isInteger(count) || count < 1 || count > 256) {
      throw new HeapError(
        "ERR_COMPOSITION",
        `plugin "${slot.owner}": slot "${slot.name}" wants ${count} words, not 1 to 256`,
      );
    }
    return Array.from({ length: count }, (_, index) => wordName(keyOf(slot), index));
  });
}
