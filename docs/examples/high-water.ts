/**
 * `highWater()`: how much a heap ever held at once, and how much was asked for each block.
 *
 * Keeps two words in its state (usable bytes now, and their peak) and one header slot a block (the size asked for), which
 * `blocks()` shows. All of it is in the heap's memory, so every agent sees the same figures and a snapshot has them too.
 * Price: one `usableSize` for each call that makes, resizes or frees a block.
 */
import type { Plugin } from "@heapwright/core";

export interface HighWaterApi {
  /** Usable bytes of all blocks now. */
  readonly bytes: number;
  /** The most they ever were. A `realloc` that moves counts as one block, not as two. */
  readonly peakBytes: number;
}

export function highWater(): Plugin<"highWater", HighWaterApi> {
  return {
    abi: 1,
    name: "highWater",
    version: 1,
    phase: "account",
    slots: ["size"],
    stateBytes: 8,
    create(inner, ctx) {
      const { alloc, free, resize, realloc, usableSize, reset, release, walk, check, recover } = inner;
      const size = ctx.slot("size");
      const current = ctx.state >>> 2;
      const peak = current + 1;
      let words = ctx.memory.u32;
      ctx.onRefresh(() => {
        words = ctx.memory.u32;
      });

      function add(bytes: number): void {
        const sum = words[current] + bytes;
        words[current] = sum;
        if (sum > words[peak]) words[peak] = sum;
      }

      return {
        allocator: {
          alloc(bytes, align, tag) {
            const ptr = alloc(bytes, align, tag);
            if (ptr === 0) return 0;
            size.write(ptr, bytes);
            add(usableSize(ptr));
            return ptr;
          },
          free(ptr) {
            const usable = usableSize(ptr); // throws for what is no block
            free(ptr);
            add(-usable);
          },
          resize(ptr, bytes) {
            const before = usableSize(ptr);
            if (!resize(ptr, bytes)) return false;
            size.write(ptr, bytes);
            add(usableSize(ptr) - before);
            return true;
          },
          realloc(ptr, bytes, align, tag) {
            const before = usableSize(ptr);
            const moved = realloc(ptr, bytes, align, tag);
            if (moved === 0) return 0;
            size.write(moved, bytes);
            add(usableSize(moved) - before);
            return moved;
          },
          // What the strategy cannot do stays absent.
          ...(reset && {
            reset() {
              reset();
              words[current] = 0;
            },
          }),
          // It ends many blocks, and says of none which: what is left is counted.
          ...(release &&
            walk && {
              release(mark) {
                release(mark);
                let left = 0;
                walk(({ state, usable }) => {
                  if (state === "used" || state === "page") left += usable;
                });
                words[current] = left;
              },
            }),
          ...(walk && {
            walk(visit) {
              walk((block) => {
                if (block.state === "used" || block.state === "page") block.size = size.read(block.ptr);
                visit(block);
              });
            },
          }),
          // Another agent has ended in the middle of something: what can be derived is.
          ...(recover &&
            walk && {
              recover(interrupted) {
                recover(interrupted);
                words[current] = 0;
                walk(({ ptr, state, usable }) => {
                  if (state !== "used" && state !== "page") return;
                  size.write(ptr, Math.min(size.read(ptr), usable));
                  add(usable);
                });
              },
            }),
          check(report) {
            check?.(report);
            let sum = 0;
            walk?.(({ state, usable }) => {
              if (state === "used" || state === "page") sum += usable;
            });
            if (walk && sum !== words[current]) {
              report({ message: `highWater counts ${words[current]} bytes, the blocks have ${sum}` });
            }
          },
        },
        api: {
          get bytes() {
            ctx.sync(); // no entry point of the heap comes before: the buffer may be another one by now
            return words[current];
          },
          get peakBytes() {
            ctx.sync();
            return words[peak];
          },
        },
      };
    },
  };
}
