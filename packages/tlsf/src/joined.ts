/**
 * What an agent that joins a heap looks at once, since no later call does: the words of the state that lead into the area. From then on they
 * hold nothing but what was verified.
 *
 * Each word alone, never one against another: it may have come from a file, and an agent may be, or have died, between two stores.
 * Cost: O(lists).
 */
import { CURSOR, CURSOR_END, END, getState, HEADS, type Space, TOP, TOP_END } from "./space.js";

const WORDS = { TOP, TOP_END, CURSOR, CURSOR_END, END } as const;

/** Throws `ERR_HEAP_CORRUPT` if a word leads out of the area. */
export function verifyState(space: Space): void {
  const { areaLink, linkEnd, granules, levels } = space;
  for (const [name, word] of Object.entries(WORDS)) {
    const granule = getState(space, word);
    if (granule < 0 || granule > granules) throw wrong(space, `${name} is ${granule}`);
  }
  for (let list = 0; list < levels * 32; list++) {
    const link = getState(space, HEADS + list);
    if (link !== 0 && (link < areaLink || link >= linkEnd))
      throw wrong(space, `the head of list ${list} is ${link}`);
  }
}

function wrong(space: Space, what: string): Error {
  return space.error("ERR_HEAP_CORRUPT", `tlsf's state: ${what}, which leads out of the area`, {
    hint: "the bytes are damaged, or no heap's",
  });
}
