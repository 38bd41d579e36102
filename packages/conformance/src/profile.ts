/**
 * What random programs are made of: how often each operation comes, and the bands sizes are drawn from. Shared by
 * the generator for long soaks (`generate.ts`) and the shrinking arbitraries of fast-check (`arbitrary.ts`).
 */
import { BAD_ALIGNMENTS, HUGE_SIZES, type Op } from "./program.js";

export type OpName = Op["op"];

/** How often each operation comes, relative to the others. 0: never. */
export type Weights = Readonly<Record<OpName, number>>;

export interface Profile {
  readonly weights: Weights;
  /** Bytes the heap has: large requests are scaled to it, so that exhaustion is met often. */
  readonly capacity: number;
  /** Largest alignment asked for. */
  readonly maxAlign: number;
}

/** What to change in the default profile. */
export interface ProfileOptions {
  readonly weights?: Partial<Weights>;
  readonly capacity?: number;
  readonly maxAlign?: number;
}

/** A third new blocks, a third frees, a sixth in place or moved; one operation in fifteen is misuse. */
export const DEFAULT_WEIGHTS: Weights = {
  alloc: 200,
  allocUnsafe: 150,
  dup: 40,
  reallocNull: 10,
  realloc: 80,
  reallocUnsafe: 50,
  resize: 60,
  free: 330,
  freeNull: 3,
  grow: 0.5,
  growForeign: 0.5,
  reset: 0.1,
  check: 0.5,
  mark: 24,
  release: 12,
  badSize: 12,
  badAlign: 10,
  badTag: 4,
  badPointer: 35,
  badValue: 6,
  badFree: 12,
  badMark: 12,
};

export function makeProfile(capacity: number, maxAlign: number, options: ProfileOptions = {}): Profile {
  return {
    weights: { ...DEFAULT_WEIGHTS, ...options.weights },
    capacity: options.capacity ?? capacity,
    maxAlign: options.maxAlign ?? maxAlign,
  };
}

/** Sizes from `min` to `max`; `exact` are the only ones in the band. */
export interface SizeBand {
  readonly weight: number;
  readonly min: number;
  readonly max: number;
  readonly exact?: readonly number[];
}

/** Small sizes mostly, the edges of size classes, large ones by octaves, about all there is, and more than can be. */
export function sizeBands(capacity: number): readonly SizeBand[] {
  const bands: SizeBand[] = [
    { weight: 28, min: 1, max: 64 },
    { weight: 24, min: 1, max: 512 },
    { weight: 16, min: 16, max: 4112, exact: classEdges() },
    { weight: 12, min: 512, max: 4096 },
  ];
  for (let max = 8192; max < capacity / 2; max *= 2) bands.push({ weight: 3, min: max / 2, max });
  bands.push(
    { weight: 2, min: Math.max(1, Math.floor(capacity / 2)), max: Math.max(1, Math.ceil(capacity * 1.05)) },
    { weight: 2, min: 2 ** 31, max: 2 ** 32 - 1, exact: HUGE_SIZES },
  );
  return bands;
}

/** Powers of two and what is just beside them. */
function classEdges(): number[] {
  const sizes: number[] = [];
  for (let power = 16; power <= 4096; power *= 2) {
    for (const delta of [-16, -15, -1, 0, 1, 15, 16]) if (power + delta > 0) sizes.push(power + delta);
  }
  return sizes;
}

/** Alignments with their weights: 16 in most requests, a page run now and then. */
export function alignBands(maxAlign: number): readonly { readonly weight: number; readonly align: number }[] {
  const bands: { weight: number; align: number }[] = [{ weight: 60, align: 16 }];
  for (const align of [0, 1, 2, 4, 8]) bands.push({ weight: 1, align });
  for (let align = 32; align <= maxAlign; align *= 2) bands.push({ weight: align <= 256 ? 4 : 2, align });
  return bands;
}

/** Alignments to be refused: what is none, and what is larger than the largest one. */
export function badAlignments(maxAlign: number): readonly unknown[] {
  return maxAlign < 4096 ? [...BAD_ALIGNMENTS, maxAlign * 2, 4096] : BAD_ALIGNMENTS;
}

/** Bytes one growth asks for, at most. */
export const MAX_GROWTH = 128 * 1024;
