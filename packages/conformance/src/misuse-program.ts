/** Every kind of misuse there is, one after the other, on a heap with a few blocks: what random programs come to by chance only. */
import { badAlignments } from "./profile.js";
import {
  ALIGNED_CALLS,
  BAD_MARKS,
  BAD_PLACES,
  BAD_POINTERS,
  BAD_SIZES,
  BAD_TAGS,
  type Op,
  POINTER_CALLS,
  type Program,
  SIZED_CALLS,
} from "./program.js";

/** Sizes of the blocks it is done to. One is as large as a copied header needs. */
const SIZES = [100, 24, 400, 40];
/** From the block's start on, in steps of what the kind of pointer is made of. */
const OFFSETS = [0, 1, 5, 7];

/** @param maxAlign The largest alignment of the heap: one block is asked for with it, and refused with the next. */
export function misuseProgram(maxAlign: number): Program {
  const blocks: Op[] = SIZES.map((size) => ({ op: "alloc", size }));
  // Twice: a plugin may let single requests fail.
  const aligned: Op[] = [1, 2].map(() => ({ op: "alloc", size: 16, align: maxAlign }));
  const pointers = POINTER_CALLS.flatMap((call): Op[] => [
    ...BAD_PLACES.flatMap((where): Op[] =>
      OFFSETS.map((offset) => ({ op: "badPointer", call, where, block: offset, offset })),
    ),
    ...BAD_POINTERS.map((value): Op => ({ op: "badValue", call, value })),
  ]);
  return [
    ...aligned,
    ...blocks,
    ...SIZED_CALLS.flatMap((call) => BAD_SIZES.map((value): Op => ({ op: "badSize", call, value }))),
    ...ALIGNED_CALLS.flatMap((call): Op[] => [
      ...badAlignments(maxAlign).map((value): Op => ({ op: "badAlign", call, value })),
      ...BAD_TAGS.map((value): Op => ({ op: "badTag", call, value })),
    ]),
    { op: "freeNull" },
    { op: "free", block: 3 },
    ...pointers,
    ...OFFSETS.map((block): Op => ({ op: "badFree", block })),
    { op: "mark" },
    ...blocks,
    { op: "mark" },
    { op: "release", mark: 1 },
    ...BAD_MARKS.map((value): Op => ({ op: "badMark", value })),
    ...blocks,
    { op: "reset" },
    ...pointers.filter(({ op }) => op === "badPointer"),
  ];
}
