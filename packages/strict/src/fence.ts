/**
 * `fence({ bytes, before })`: bytes around each block that nobody may write to, and that show when somebody did.
 *
 *     |chunk header … |size|…|before |payload, `size` bytes|fence, `bytes` bytes|slack|
 *                            ^ slots that adjoin the payload ^ begins at the exact byte after what was asked for
 *
 * | word | invariant |
 * |---|---|
 * | size | bytes asked for; at least 1, and with the fence no more than the block below has |
 *
 * Verified at free, at realloc and by `check()`. A broken fence is mended when it is reported: see finding.ts.
 * Page runs, and blocks without a header, have no bytes before; their size is in the side table.
 *
 * Price: `bytes` + `before` + 4 bytes a block, before rounding: 80 more in a hyperheap, with the defaults. Two size queries,
 * filling and comparing both fences: about 60 ns for an alloc and its free.
 */
import type { Context, Finding, Inner, Plugin, WalkedBlock } from "@heapwright/core";
import { type Damage, damageError, describeDamage } from "./finding.js";
import { checkOption } from "./options.js";
import { fenceByte, fillFence, isFence } from "./pattern.js";
import { createRealloc } from "./realloc.js";
import { hex } from "./text.js";

export interface FenceOptions {
  /** Bytes after the block, 0 … 65,536; default 64. */
  readonly bytes?: number;
  /** Bytes before the block, a multiple of 4 in 0 … 1024; default 16. In headers, so a multiple of 16 costs no more than it says. */
  readonly before?: number;
}

const MAX_SIZE = 2 ** 32 - 1;

/**
 * Fences around every block: `usableSize` is the requested size, `goodSize(n)` is n.
 *
 * @throws RangeError for an option out of range.
 */
export function fence(options: FenceOptions = {}): Plugin<"fence", undefined> {
  const { bytes, before } = options;
  checkOptions(options);
  return {
    abi: 1,
    name: "fence",
    version: 1,
    phase: "guard",
    concurrent: true,
    rank: 10,
    options: { ...(bytes === undefined ? {} : { bytes }), ...(before === undefined ? {} : { before }) },
    defaults: { bytes: 64, before: 16 },
    slots(settled) {
      // They may be those of a heap that is joined.
      checkOptions(settled);
      const words = (settled.before as number) / 4;
      return ["size", ...(words > 0 ? [{ name: "before", words, adjoins: true }] : [])];
    },
    create: (inner, ctx) => ({ allocator: createFence(inner, ctx), api: undefined }),
  };
}

function checkOptions({ bytes, before }: { readonly bytes?: unknown; readonly before?: unknown }): void {
  checkOption("fence", "bytes", bytes, 0, 65_536);
  checkOption("fence", "before", before, 0, 1024, 4);
}

function createFence(inner: Inner, ctx: Context): Partial<Inner> {
  const { alloc, free, resize, usableSize, reset, release, walk, check, recover } = inner;
  const bytes = ctx.options.bytes as number;
  const before = ctx.options.before as number;
  const sizeSlot = ctx.slot("size");
  const beforeSlot = before > 0 ? ctx.slot("before") : undefined;
  let words = ctx.memory.i32;
  ctx.onRefresh(() => {
    words = ctx.memory.i32;
  });

  /** First byte of the fence before a block; 0 if it has none. */
  const startOf = (ptr: number): number => (beforeSlot === undefined ? 0 : beforeSlot.address(ptr));

  function put(ptr: number, size: number): void {
    sizeSlot.write(ptr, size);
    fillFence(words, ptr + size, ptr + size + bytes);
    const start = startOf(ptr);
    if (start !== 0) fillFence(words, start, ptr);
  }

  /** Bytes asked for; throws for what is no live block, and if the slot was overwritten. */
  function sizeOf(ptr: number): number {
    const usable = usableSize(ptr);
    const size = sizeSlot.read(ptr);
    if (size === 0 || size + bytes > usable) throw overwritten(ptr, size, usable);
    return size;
  }

  function overwritten(ptr: number, size: number, usable: number): Error {
    const damage = damageBefore(ptr, usable - bytes);
    if (damage !== undefined) {
      // Whoever came from above went over the fence first.
      const error = damageError(ctx, damage, "the block's header");
      mend(damage);
      return error;
    }
    return ctx.error("ERR_HEAP_CORRUPT", headerMessage(ptr, size, usable), {
      ptr,
      block: { ptr, size: usable - bytes },
      hint: "something wrote to the header of this block, which lies before it",
    });
  }

  const headerMessage = (ptr: number, size: number, usable: number): string =>
    `the header of the block at ${hex(ptr)} says ${size} bytes were asked for, of ${usable} with a fence of ${bytes}`;

  function damageBefore(ptr: number, size: number): Damage | undefined {
    const start = startOf(ptr);
    if (start === 0 || isFence(words, start, ptr)) return undefined;
    return { code: "ERR_HEAP_UNDERFLOW", block: { ptr, size }, from: start, to: ptr, expected: fenceByte };
  }

  function damageAfter(ptr: number, size: number): Damage | undefined {
    const from = ptr + size;
    const to = from + bytes;
    if (isFence(words, from, to)) return undefined;
    return { code: "ERR_HEAP_OVERFLOW", block: { ptr, size }, from, to, expected: fenceByte };
  }

  /** Byte by byte: the words at the ends have bytes of the holder, who may be writing them. */
  function mend({ from, to }: Damage): void {
    const { u8 } = ctx.memory;
    for (let at = from; at < to; at++) u8[at] = fenceByte(at);
  }

  /** Both fences of a live block. */
  function verify(ptr: number, size: number, foundAt: string): void {
    const start = startOf(ptr);
    if (isFence(words, ptr + size, ptr + size + bytes) && (start === 0 || isFence(words, start, ptr))) return;
    const damage = damageAfter(ptr, size) ?? damageBefore(ptr, size);
    if (damage === undefined) return;
    const error = damageError(ctx, damage, foundAt);
    mend(damage);
    throw error;
  }

  /** Before blocks end by the dozen, nobody knows which: of all that live. */
  function verifyAll(foundAt: string): void {
    walk?.(({ ptr, state }) => {
      if (state === "used" || state === "page") verify(ptr, sizeOf(ptr), foundAt);
    });
  }

  function checkBlock({ ptr, usable, state }: WalkedBlock, report: (finding: Finding) => void): void {
    if (state !== "used" && state !== "page") return;
    const size = sizeSlot.read(ptr);
    if (size === 0 || size + bytes > usable) {
      const damage = damageBefore(ptr, usable - bytes);
      report(damage === undefined ? { message: headerMessage(ptr, size, usable), ptr } : found(damage));
      return;
    }
    for (const damage of [damageBefore(ptr, size), damageAfter(ptr, size)]) {
      if (damage !== undefined) report(found(damage));
    }
  }

  function found(damage: Damage): Finding {
    const finding = describeDamage(ctx, damage, "check()");
    mend(damage);
    return finding;
  }

  const layer = {
    alloc(size: number, align: number, tag: number): number {
      if (size + bytes > MAX_SIZE) return 0;
      const ptr = alloc(size + bytes, align, tag);
      if (ptr !== 0) put(ptr, size);
      return ptr;
    },
    free(ptr: number): void {
      verify(ptr, sizeOf(ptr), "free()");
      free(ptr);
    },
    resize(ptr: number, size: number): boolean {
      verify(ptr, sizeOf(ptr), "realloc()");
      if (size + bytes > MAX_SIZE || !resize(ptr, size + bytes)) return false;
      put(ptr, size);
      return true;
    },
    usableSize: sizeOf,
  };
  return {
    ...layer,
    goodSize: (size) => size,
    ...(reset && {
      reset() {
        verifyAll("reset()");
        reset();
      },
    }),
    ...(release && {
      release(mark) {
        verifyAll("release()");
        release(mark);
      },
    }),
    realloc: createRealloc(ctx, layer),
    ...(walk && {
      walk(visit) {
        walk((block) => {
          const { state } = block;
          if (state === "used" || state === "page" || state === "quarantined") {
            const size = sizeSlot.read(block.ptr);
            // What cannot be true is check()'s to tell.
            if (size !== 0 && size + bytes <= block.usable) {
              block.size = size;
              // Of a freed block all is held back, its fence included.
              if (state !== "quarantined") block.usable = size;
            }
          }
          visit(block);
        });
      },
    }),
    // The block that was being resized: its size is what it was, or what is left of that, and its fence where that ends.
    ...(recover &&
      walk && {
        recover(interrupted) {
          recover(interrupted);
          walk(({ ptr, usable, state }) => {
            if (state !== "used" && state !== "page") return;
            const size = sizeSlot.read(ptr);
            if (size + bytes > usable) put(ptr, Math.max(1, usable - bytes));
            else if (ptr === interrupted.ptr) put(ptr, size);
          });
        },
      }),
    check(report) {
      check?.(report);
      walk?.((block) => checkBlock(block, report));
    },
  };
}
