/**
 * `sizes({ most })`: how many blocks of which size a heap holds and ever made. Requests above `most` bytes are refused.
 *
 *     state   |live 2^0|live 2^1| … |live 2^32|made 2^0| … |made 2^32|      header slot of a block   |class|
 *
 * | word | invariant |
 * |---|---|
 * | live c | blocks whose slot says c, for which at most 2^c bytes were asked; what `check` recounts and `recover` makes anew |
 * | made c | blocks ever made of that class, modulo 2^32; after the death of an agent it may be short of one |
 *
 * Price: a word a block; one validation of the pointer for each call that ends or resizes a block.
 */
import type { Plugin } from "@heapwright/core";

const CLASSES = 33;
const LIVE = 0;
const MADE = CLASSES;

export interface SizeClass {
  /** The largest request in it: a power of two. */
  readonly upTo: number;
  readonly live: number;
  readonly made: number;
}

export interface SizesApi {
  /** Classes that were ever asked for, the smallest first; all figures of one moment. */
  classes(): SizeClass[];
}

const classOf = (size: number): number => 32 - Math.clz32(size - 1);

/** @param options `most`: bytes of the largest request that is served, 1 … 2^32 - 1; default all. */
export function sizes(options: { readonly most?: number } = {}): Plugin<"sizes", SizesApi> {
  const { most } = options;
  if (most !== undefined && (!Number.isInteger(most) || most < 1 || most > 0xffffffff)) {
    throw new RangeError(`sizes: most must be an integer in 1 … 2^32 - 1, not ${most}`);
  }
  return {
    abi: 1,
    name: "sizes",
    version: 1,
    phase: "limit",
    concurrent: true, // the state is single words that are added to, the slot is the block's own
    options: most === undefined ? {} : { most },
    defaults: { most: 0xffffffff },
    slots: ["class"],
    stateBytes: 4 * 2 * CLASSES,
    create(inner, ctx) {
      const { alloc, free, resize, realloc, usableSize, reset, release, walk, check, recover } = inner;
      const largest = ctx.options.most as number;
      const slot = ctx.slot("class");
      const state = ctx.state >>> 2;
      const isShared = ctx.shards > 1;
      let words = ctx.memory.u32;
      ctx.onRefresh(() => {
        words = ctx.memory.u32;
      });

      function add(word: number, change: number): void {
        if (isShared) Atomics.add(words, state + word, change);
        else words[state + word] += change;
      }

      /** Throws for what is no block. The slot lies in front of the payload, where anybody may have written: never an index unseen. */
      function classAt(ptr: number): number {
        const usable = usableSize(ptr);
        const found = slot.read(ptr);
        if (found < CLASSES) return found;
        throw ctx.error("ERR_HEAP_CORRUPT", `sizes: a block of ${usable} bytes has class ${found}`, { ptr });
      }

      function move(ptr: number, before: number, size: number): void {
        const after = classOf(size);
        slot.write(ptr, after);
        if (after === before) return;
        add(LIVE + before, -1);
        add(LIVE + after, 1);
      }

      /** Blocks by class, as their slots say. */
      function countBlocks(visitAll: NonNullable<typeof walk>, mends: boolean): Uint32Array {
        const counts = new Uint32Array(CLASSES);
        visitAll(({ ptr, state, usable }) => {
          if (state !== "used" && state !== "page") return;
          if (mends && slot.read(ptr) >= CLASSES) slot.write(ptr, classOf(usable));
          counts[slot.read(ptr)]++;
        });
        return counts;
      }

      return {
        allocator: {
          alloc(size, align, tag) {
            if (size > largest) return 0;
            const ptr = alloc(size, align, tag);
            if (ptr === 0) return 0;
            const made = classOf(size);
            slot.write(ptr, made);
            add(LIVE + made, 1);
            add(MADE + made, 1);
            return ptr;
          },
          free(ptr) {
            const ended = classAt(ptr);
            free(ptr);
            add(LIVE + ended, -1);
          },
          resize(ptr, size) {
            const before = classAt(ptr);
            if (size > largest || !resize(ptr, size)) return false;
            move(ptr, before, size);
            return true;
          },
          realloc(ptr, size, align, tag) {
            const before = classAt(ptr);
            const moved = size > largest ? 0 : realloc(ptr, size, align, tag);
            if (moved !== 0) move(moved, before, size);
            return moved;
          },
          ...(reset && {
            reset() {
              reset();
              words.fill(0, state + LIVE, state + LIVE + CLASSES);
            },
          }),
          ...(release &&
            walk && {
              release(mark) {
                release(mark);
                words.set(countBlocks(walk, false), state + LIVE);
              },
            }),
          ...(recover &&
            walk && {
              recover(interrupted) {
                recover(interrupted);
                words.set(countBlocks(walk, true), state + LIVE);
              },
            }),
          check(report) {
            check?.(report);
            if (walk === undefined) return;
            countBlocks(walk, false).forEach((count, at) => {
              const said = words[state + LIVE + at];
              if (said !== count)
                report({ message: `sizes: class ${at} has ${said} blocks, the walk finds ${count}` });
            });
          },
        },
        api: {
          classes() {
            const seen = ctx.observe(() => words.slice(state, state + 2 * CLASSES));
            const found: SizeClass[] = [];
            for (let at = 0; at < CLASSES; at++) {
              const [live, made] = [seen[LIVE + at], seen[MADE + at]];
              if (live + made > 0) found.push({ upTo: 2 ** at, live, made });
            }
            return found;
          },
        },
      };
    },
  };
}
