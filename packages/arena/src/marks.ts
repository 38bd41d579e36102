/**
 * Marks: numbers that stand for a moment, and what happened to the top since.
 *
 *     mark = generation * 2^28 + top
 *
 * A mark may be released long after: the top may have been lower meanwhile, and be higher again, so that the position alone says nothing. Each
 * time the top goes below a mark, that is an event, which begins a generation:
 *
 *     LLLBBB|mark  →  LLL___            B was freed, or made shorter, or an earlier mark released: the mark is spent
 *     LLLddd|mark BBB  →  LLL___        B was freed, and the top sank over what had ended before: the mark is where the top is
 *
 * | word | invariant |
 * |---|---|
 * | GENERATION | how many events there were; marks carry it |
 * | HIGH | no mark that can be released leads higher. At most TOP |
 * | EVENTS, events | how many are remembered; two words each: its generation, and the floor the top went to in granules, times 2, plus 1 if marks above were spent. Generations ascend |
 *
 * Events that make no difference any more are dropped: those before one that went lower. Where there are too many, the oldest is forgotten, and
 * marks older than that are believed.
 *
 * Price: one comparison whenever the top goes down.
 */
import { nextCode } from "./codes.js";
import {
  END,
  EVENTS,
  FIRST_EVENT,
  GENERATION,
  getState,
  HIGH,
  MOST_EVENTS,
  type Space,
  setState,
  TOP,
} from "./space.js";

const POSITIONS = 2 ** 28;
/** Generations begin again: a mark that is older than so many is taken for a new one. */
const GENERATIONS = 2 ** 25;
/** In an event's second word. */
const SPENDS = 1;

/** A mark for the top as it is. */
export function takeMark(space: Space): number {
  const top = getState(space, TOP);
  if (getState(space, HIGH) < top) setState(space, HIGH, top);
  return (getState(space, GENERATION) % GENERATIONS) * POSITIONS + top;
}

/** To be called before the top goes below a floor. */
export function lowered(space: Space, floor: number, spends: boolean): void {
  if (floor >= getState(space, HIGH)) return;
  const { i32, state } = space;
  let count = getState(space, EVENTS);
  while (count > 0 && isCovered(i32[state + FIRST_EVENT + 2 * count - 1], floor, spends)) count--;
  if (count === MOST_EVENTS) {
    const first = state + FIRST_EVENT;
    i32.copyWithin(first, first + 2, first + 2 * MOST_EVENTS);
    count--;
  }
  const at = state + FIRST_EVENT + 2 * count;
  const generation = getState(space, GENERATION);
  i32[at] = generation % GENERATIONS;
  i32[at + 1] = (floor << 1) | (spends ? SPENDS : 0);
  setState(space, EVENTS, count + 1);
  // From the first time round on it stays in the upper half: each generation may have been.
  setState(space, GENERATION, generation + 1 < 2 * GENERATIONS ? generation + 1 : GENERATIONS);
  setState(space, HIGH, floor);
}

/** Does an event make no difference to what follows it at once? */
function isCovered(event: number, floor: number, spends: boolean): boolean {
  const its = event >> 1;
  const itSpends = (event & SPENDS) !== 0;
  return spends ? its > floor || (itSpends && its === floor) : !itSpends && its >= floor;
}

/** Position a mark leads to. Throws `ERR_INVALID_OPTION` for what is no mark, or is spent. */
export function positionOf(space: Space, mark: number): number {
  const refuse = (why: string): Error =>
    space.error("ERR_INVALID_OPTION", `${String(mark)} cannot be released: ${why}`, {
      hint: "a mark is a number that mark() gave; freeing what was there before it, and releasing an earlier one, spends it",
    });
  if (!Number.isInteger(mark) || mark < 0 || mark >= POSITIONS * GENERATIONS)
    throw refuse("it is no mark of this heap");
  let position = mark % POSITIONS;
  if (position > getState(space, END)) throw refuse("it lies behind the area");
  const made = Math.floor(mark / POSITIONS);
  if (made > getState(space, GENERATION)) throw refuse("it is yet to come");
  const age = ageOf(space, made);
  for (let index = 0; index < getState(space, EVENTS); index++) {
    const at = space.state + FIRST_EVENT + 2 * index;
    const floor = space.i32[at + 1] >> 1;
    if (ageOf(space, space.i32[at]) > age || floor >= position) continue;
    if ((space.i32[at + 1] & SPENDS) !== 0) throw refuse("it is spent: what was there before it has ended");
    position = floor;
  }
  const top = getState(space, TOP);
  if (position > top) throw refuse("it lies above the top");
  // A block that was there before has grown over it: it stays, all of it.
  return nextCode(space, position, top);
}

/** How many generations ago. */
function ageOf(space: Space, generation: number): number {
  return (getState(space, GENERATION) - generation + 2 * GENERATIONS) % GENERATIONS;
}

/** Are the words of this file what they can be? Else says which is not. */
export function wrongMarks(space: Space): string | undefined {
  const { i32, state } = space;
  const generation = getState(space, GENERATION);
  const count = getState(space, EVENTS);
  const high = getState(space, HIGH);
  if (generation < 0 || generation >= 2 * GENERATIONS) return `GENERATION is ${generation}`;
  if (high < 0 || high > getState(space, TOP)) return `HIGH is ${high}, the top ${getState(space, TOP)}`;
  if (count < 0 || count > MOST_EVENTS) return `EVENTS is ${count}`;
  let age = GENERATIONS;
  for (let index = 0; index < count; index++) {
    const at = state + FIRST_EVENT + 2 * index;
    const its = ageOf(space, i32[at]);
    const floor = i32[at + 1] >> 1;
    if (floor < 0 || floor >= space.areaGranules || its >= age || its === 0)
      return `event ${index} is of generation ${i32[at]}, with the floor ${floor}`;
    age = its;
  }
  return undefined;
}

/** After an agent has died: events that contradict each other are forgotten. */
export function mendMarks(space: Space): void {
  setState(space, HIGH, Math.max(0, Math.min(getState(space, HIGH), getState(space, TOP))));
  if (wrongMarks(space) === undefined) return;
  setState(space, EVENTS, 0);
}
