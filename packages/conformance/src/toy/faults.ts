/**
 * Known kinds of broken allocator, each to be planted into a toy: what the kit must find, and as which broken promise.
 * The names complete "a heap that …".
 */
import type { PromiseName } from "../promises.js";

type Faults = Readonly<Record<string, readonly PromiseName[]>>;

/** Of the heap that frees any block; programs find them. What each may be seen as first: usually one thing. */
export const HEAP_FAULTS = {
  "splits one granule early": ["consistent", "counted", "disjoint", "listed"],
  "ignores alignments above 64": ["aligned"],
  "hands out memory past the end": ["inside"],
  "returns undefined when exhausted": ["pointer"],
  "throws when exhausted": ["accepts"],
  "wraps sizes near 2^32": ["inside"],
  "rounds usable sizes down": ["sized"],
  "gives slack to a live neighbour": ["steady", "zeroed"],
  "does not zero": ["zeroed"],
  "does not zero what realloc adds": ["zeroed"],
  "loses content in realloc": ["kept"],
  "copies one byte less in dup": ["copied"],
  "writes a footer into the next block": ["intact"],
  "writes a header for a failed request": ["unchanged"],
  "counts a failed request": ["unchanged"],
  "frees the old block when realloc fails": ["unchanged"],
  "accepts NaN": ["refusesSize"],
  "accepts a string as size": ["refusesSize"],
  "accepts alignments that are no powers of two": ["refusesAlignment"],
  "accepts any tag": ["refusesTag"],
  "accepts a double free": ["refusesPointer"],
  "tells a double free from nothing": ["refusesPointer"],
  "frees at interior pointers": ["refusesPointer"],
  "believes a header forged inside a small block": ["refusesPointer"],
  "wipes before it refuses": ["unchanged"],
  "leaks the old block in realloc": ["listed"],
  "loses the rest of a split": ["counted"],
  "lists dead blocks": ["listed"],
  "lists blocks out of order": ["listed"],
  "forgets a header": ["consistent"],
  "counts headers twice": ["counted"],
  "owns nothing above the first block": ["owned"],
  "claims to grow": ["grown"],
  "takes somebody else's pages": ["guest"],
} as const satisfies Faults;

/** Of the stack with marks, which frees only the block made last; programs find them. */
export const STACK_FAULTS = {
  "frees blocks below the last one": ["refusesFree"],
  "wipes a block it does not free": ["unchanged"],
  "aligns further than it says": ["refusesAlignment"],
  "keeps a block alive at release": ["released"],
  "ends a block made before the mark": ["released"],
  "cuts a block that grew past the mark": ["released"],
  "gives nothing back at release": ["reusable"],
  "releases to marks beyond the top": ["refusesMark"],
  "leaves a block at reset": ["emptied"],
  "keeps the old block when realloc moves": ["listed"],
} as const satisfies Faults;

/** Of what a heap says of itself, and of its copies: only the whole battery finds them. */
export const WHOLE_FAULTS = {
  "restores all but one block": ["restored"],
  "restores blocks without their last bytes": ["restored"],
  "shares its bytes with its copy": ["restored"],
  "cannot be used after it was restored": ["restored"],
  "shows other agents no blocks": ["attached"],
  "claims to be resettable": ["capable"],
  "resets without saying so": ["capable"],
  "grows without saying so": ["capable"],
} as const satisfies Faults;

export type HeapFault = keyof typeof HEAP_FAULTS | keyof typeof WHOLE_FAULTS;
export type StackFault = keyof typeof STACK_FAULTS;
export type Fault = HeapFault | StackFault;

/** Every one of them, with what it is found as. */
export const FAULTS: Readonly<Record<Fault, readonly PromiseName[]>> = {
  ...HEAP_FAULTS,
  ...STACK_FAULTS,
  ...WHOLE_FAULTS,
};
