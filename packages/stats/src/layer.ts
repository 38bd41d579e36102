/**
 * The layer that counts: what happens to a request and to a pointer on their way through stats.
 *
 * A pointer is believed by nobody before the call below has taken it: what is read from its header first is only used afterwards, or
 * to see that it cannot be a block's.
 */
import type { Context, Inner } from "@heapwright/core";
import type { Records } from "./records.js";
import { type BlockSlots, recount } from "./recount.js";
import { BORN } from "./state.js";

export interface Layer {
  readonly allocator: Partial<Inner>;
  readonly slots: BlockSlots;
  unknownTag(tag: number): Error;
  /** Requests of this agent that name no tag have this one while it works. */
  within<Result>(tag: number, work: () => Result): Result;
}

export function createLayer(inner: Inner, ctx: Context, records: Records): Layer {
  const { alloc, free, resize, realloc, usableSize, takenSize, reset, release, walk, recover } = inner;
  const { isKnown } = records;
  const youth = ctx.options.shortLived as number;
  const { address: tagAt } = ctx.slot("tag");
  const { address: sizesAt } = ctx.slot("sizes");
  const bornSlot = youth > 0 ? ctx.slot("born") : undefined;
  const made = (ctx.state >>> 2) + BORN;
  let words = ctx.memory.u32;
  ctx.onRefresh(() => {
    words = ctx.memory.u32;
  });
  /** Tag of requests that name none. This agent's alone. */
  let ambient = 0;

  function unknownTag(tag: number): Error {
    return ctx.error("ERR_INVALID_OPTION", `${String(tag)} is no tag of this heap`, {
      hint: "heap.stats.tag(name) makes one; each heap has its own",
    });
  }

  /**
   * Either it is no block, which the layers below know best, or its header was overwritten: then nothing is freed, and nothing counted by
   * a header that cannot be true.
   */
  function refuse(ptr: number): never {
    usableSize(ptr);
    const at = sizesAt(ptr) >>> 2;
    const said = `tag ${words[tagAt(ptr) >>> 2]}, size ${words[at]} of ${words[at + 1]} bytes taken`;
    throw ctx.error("ERR_HEAP_CORRUPT", `the header of the block at 0x${ptr.toString(16)} has ${said}`, {
      ptr,
      hint: "something wrote in front of this block, or past the end of the one before it",
    });
  }

  function write(ptr: number, tag: number, size: number, taken: number): void {
    words[tagAt(ptr) >>> 2] = tag;
    const at = sizesAt(ptr) >>> 2;
    words[at] = size;
    words[at + 1] = taken;
  }

  /** Behind a front others count, too. */
  function countMade(): number {
    if (ctx.shards > 1) return Atomics.add(words, made, 1) + 1;
    words[made] += 1;
    return words[made];
  }

  /** Were fewer than `shortLived` blocks made since? */
  function isYoung(born: number): boolean {
    return (words[made] - born) >>> 0 < youth;
  }

  const slots: BlockSlots = {
    tag: (ptr) => words[tagAt(ptr) >>> 2],
    size: (ptr) => words[sizesAt(ptr) >>> 2],
    taken: (ptr) => words[(sizesAt(ptr) >>> 2) + 1],
  };

  /**
   * What a header says can be behind what has become of its block: that is counted now, and perhaps was. Then the records are what the blocks
   * add up to.
   */
  function mendAll(): void {
    walk?.(({ ptr, state, usable }) => {
      if (state !== "used" && state !== "page") return;
      const tag = isKnown(slots.tag(ptr)) ? slots.tag(ptr) : 0;
      const [before, takenBefore] = [slots.size(ptr), slots.taken(ptr)];
      const [size, taken] = [Math.min(before, usable), takenSize(ptr)];
      if (size !== before || taken !== takenBefore) records.resized(tag, before, takenBefore, size, taken);
      write(ptr, tag, size, taken);
    });
    records.leftWith(recount(walk, slots));
  }

  /** Whatever `end` ends is counted as freed, by what is left. */
  function endMany(end: () => void): void {
    const young = new Map<number, number>();
    if (bornSlot !== undefined) {
      walk?.(({ ptr, state }) => {
        if ((state === "used" || state === "page") && isYoung(bornSlot.read(ptr)))
          young.set(ptr, slots.tag(ptr));
      });
    }
    end();
    const left = recount(walk, slots);
    for (const ptr of left.blocks) young.delete(ptr);
    for (const tag of young.values()) records.diedYoung(tag);
    records.leftWith(left);
  }

  const allocator: Partial<Inner> = {
    alloc(size, align, tag) {
      const id = tag === 0 ? ambient : tag;
      if (!isKnown(id)) throw unknownTag(id);
      const ptr = alloc(size, align, id);
      if (ptr === 0) {
        records.failed(id);
        return 0;
      }
      const taken = takenSize(ptr);
      write(ptr, id, size, taken);
      if (bornSlot !== undefined) {
        bornSlot.write(ptr, countMade());
      }
      records.allocated(id, size, taken);
      return ptr;
    },
    free(ptr) {
      const id = words[tagAt(ptr) >>> 2];
      const at = sizesAt(ptr) >>> 2;
      const size = words[at];
      const taken = words[at + 1];
      const born = bornSlot === undefined ? 0 : bornSlot.read(ptr);
      if (!isKnown(id) || !(size <= taken)) refuse(ptr);
      free(ptr);
      records.freed(id, size, taken);
      if (bornSlot !== undefined && isYoung(born)) records.diedYoung(id);
    },
    resize(ptr, size) {
      const id = words[tagAt(ptr) >>> 2];
      const at = sizesAt(ptr) >>> 2;
      const before = words[at];
      const takenBefore = words[at + 1];
      if (!isKnown(id) || !(before <= takenBefore)) refuse(ptr);
      if (!resize(ptr, size)) return false;
      const taken = takenSize(ptr);
      records.resized(id, before, takenBefore, size, taken);
      write(ptr, id, size, taken);
      return true;
    },
    realloc(ptr, size, align, tag) {
      if (!isKnown(tag)) throw unknownTag(tag);
      const id = words[tagAt(ptr) >>> 2];
      const at = sizesAt(ptr) >>> 2;
      const before = words[at];
      const takenBefore = words[at + 1];
      const born = bornSlot === undefined ? 0 : bornSlot.read(ptr);
      if (!isKnown(id) || !(before <= takenBefore)) refuse(ptr);
      // Layers below that move a block on their own must not lose its tag.
      const next = tag === 0 ? id : tag;
      const moved = realloc(ptr, size, align, next);
      if (moved === 0) {
        records.failed(next);
        return 0;
      }
      const taken = takenSize(moved);
      if (next === id) records.resized(id, before, takenBefore, size, taken);
      else records.retagged(id, next, before, takenBefore, size, taken);
      // Last: until the header says so, the block is what it was, and the records can be made anew from that.
      write(moved, next, size, taken);
      if (bornSlot !== undefined) bornSlot.write(moved, born);
      return moved;
    },
    tagOf: slots.tag,
    ...(reset && {
      reset() {
        endMany(reset);
      },
    }),
    ...(release && {
      release(mark) {
        endMany(() => release(mark));
      },
    }),
    ...(recover &&
      walk && {
        recover(interrupted) {
          recover(interrupted);
          mendAll();
        },
      }),
    ...(walk && {
      walk(visit) {
        walk((block) => {
          if (block.state !== "free" && block.state !== "reserved") {
            block.tag = slots.tag(block.ptr);
            block.size = Math.min(block.usable, slots.size(block.ptr));
          }
          visit(block);
        });
      },
    }),
  };
  return {
    allocator,
    slots,
    unknownTag,
    within(tag, work) {
      const before = ambient;
      ambient = tag;
      try {
        return work();
      } finally {
        ambient = before;
      }
    },
  };
}
