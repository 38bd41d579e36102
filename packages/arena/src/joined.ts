/**
 * What an agent that joins a heap looks at once, since no later call does: the words of the state that lead into the area. From then on they
 * hold nothing but what was verified.
 *
 * Each word alone, never one against another: it may have come from a file, and an agent may be, or have died, between two stores.
 */
import { END, EVENTS, FIRST_EVENT, getState, LIMIT, MOST_EVENTS, REGION, type Space, TOP } from "./space.js";

const WORDS = { TOP, LIMIT, END, REGION } as const;

/** Throws `ERR_HEAP_CORRUPT` if a word leads out of the area, or out of the state. */
export function verifyState(space: Space): void {
  const isInArea = (granule: number): boolean => granule >= 0 && granule <= space.areaGranules;
  for (const [name, word] of Object.entries(WORDS)) {
    const granule = getState(space, word);
    if (!isInArea(granule)) throw wrong(space, `${name} is ${granule}`);
  }
  const events = getState(space, EVENTS);
  if (events < 0 || events > MOST_EVENTS) throw wrong(space, `EVENTS is ${events}`);
  for (let event = 0; event < events; event++) {
    const floor = getState(space, FIRST_EVENT + 2 * event + 1) >> 1;
    if (!isInArea(floor)) throw wrong(space, `event ${event} has the floor ${floor}`);
  }
}

function wrong(space: Space, what: string): Error {
  return space.error("ERR_HEAP_CORRUPT", `arena's state: ${what}, which leads out of the area`, {
    hint: "the bytes are damaged, or no heap's",
  });
}
