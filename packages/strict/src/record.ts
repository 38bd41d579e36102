/**
 * The plugin `strict`: the outermost of the decorators. It numbers blocks, remembers who asked and who freed, makes reports of what the
 * others find, and decides what becomes of them.
 *
 *     heap.free(p) ─► strict ─► fence ─► poison ─► delayedFree ─► growth ─► strategy
 *                     numbers   verifies  fills    holds back
 *                     reports ◄────── what they throw ──────────────────┘
 *
 *     state    |seq|again|0 …|graveyard.ts: the blocks freed last|          header  |…|seq|tag|agent|…   blocks.ts
 *
 * | word | invariant |
 * |---|---|
 * | seq | number of the latest allocation; unless numbers began again, every live block's is lower or the same |
 * | again | 1 once they have: after 2^31 - 1 of them |
 *
 * What is thrown below has been mended there (finding.ts), so where errors are not thrown, the call is simply made again. A pointer that is
 * no block's cannot be mended: where errors are not thrown, it is thrown all the same, up to the outermost layer (refused.ts).
 *
 * Price: 16 bytes a block before rounding, with the fence's word; 4.2 KiB a heap. About 30 ns for an alloc and its free; `try` 0.5.
 */
import type { Context, Finding, Inner, Plugin, PluginInstance } from "@heapwright/core";
import { createApi, type StrictApi } from "./api.js";
import { Blocks, deadWord, isDead, liveWord, nextSeq, seqOf } from "./blocks.js";
import { enrich, isHeapError, type Known, type Sources } from "./enrich.js";
import { type DetailedFinding, isDamage } from "./finding.js";
import { GRAVEYARD_BYTES, Graveyard } from "./graveyard.js";
import { createRealloc } from "./realloc.js";
import { isPointerError, type RefusedByRegion, type RefusedFrees } from "./refused.js";
import { type ReportPolicy, Reports } from "./reports.js";
import { type StackMode, Stacks } from "./stacks.js";
import { hex } from "./text.js";

/** What an agent wants of it; none of it changes bytes. */
export interface RecordOptions {
  readonly stacks: StackMode;
  readonly onError: ReportPolicy;
  readonly tagName: ((tag: number) => string | undefined) | undefined;
  readonly collected: boolean | ((block: CollectedBlock) => void);
  /** Where the record is found by what reports the frees it refuses. */
  readonly records: RefusedByRegion;
}

/** A block whose view or handle was garbage-collected before it was freed. */
export interface CollectedBlock {
  readonly ptr: number;
  readonly size: number;
  readonly tag: string | number;
  readonly seq: number;
  /** Where it was allocated, if that is known. */
  readonly stack?: string;
}

const STATE_BYTES = 64;

/** @param sizes Keep the requested sizes; no fence does. */
export function record(options: RecordOptions, sizes: boolean): Plugin<"strict", StrictApi> {
  return {
    abi: 1,
    name: "strict",
    version: 1,
    phase: "guard",
    concurrent: true,
    rank: -10,
    options: { sizes },
    slots: ["seq", "tag", "agent", ...(sizes ? ["size"] : [])],
    stateBytes: STATE_BYTES + GRAVEYARD_BYTES,
    create: (inner, ctx) => createRecord(inner, ctx, options),
  };
}

function createRecord(inner: Inner, ctx: Context, options: RecordOptions): PluginInstance<StrictApi> {
  const { alloc, free, resize, usableSize, reset, mark, release, walk, check, recover } = inner;
  const { agent } = ctx;
  const blocks = new Blocks(ctx, inner, options.tagName);
  const { seq: seqSlot, tag: tagSlot, agent: agentSlot, size: sizeSlot } = blocks;
  const graveyard = new Graveyard(ctx, ctx.state + STATE_BYTES);
  const stacks =
    options.stacks === "off"
      ? undefined
      : new Stacks(options.stacks, ctx.error("ERR_UNSUPPORTED", "only to see where core is"));
  const state = ctx.state >>> 2;
  let words = ctx.memory.u32;
  ctx.onRefresh(() => {
    words = ctx.memory.u32;
  });
  const sources: Sources = {
    ctx,
    blocks,
    graveyard,
    stacks,
    owns: inner.owns,
    now: () => words[state],
  };
  const reports = new Reports(ctx, options.onError);
  /** The call of the user that several of ours make up. */
  let during = "";
  const refused: RefusedFrees = {
    underWay: undefined,
    get alone() {
      return reports.throws ? layer.free : undefined;
    },
    // What this layer has made has been found somewhere; what the others throw has not.
    report: (error) => reports.add(error.foundAt === undefined ? reportOf(error, "free()") : error),
  };
  options.records.set(ctx.region, refused);

  function reportOf(error: Known, foundAt: string): Error {
    const { code, message, details } = enrich(
      sources,
      error,
      during || (refused.underWay === undefined ? foundAt : "free()"),
    );
    return ctx.error(code, message, details);
  }

  /**
   * What was thrown below becomes a report. Returns if the call can be made again, or, for a pointer nobody above waits to hear of, is
   * to be ignored; else throws.
   */
  function settle(error: unknown, foundAt: string): void {
    if (!isHeapError(error)) throw error;
    const { code } = error;
    const report = reportOf(error, foundAt);
    const isIgnored = foundAt === "free()" && isPointerError(code) && refused.underWay === undefined;
    if (isDamage(error) || isIgnored) reports.add(report);
    else throw report;
  }

  /** The next number, which behind a front somebody else may be taking, too. */
  function takeSeq(): number {
    for (;;) {
      const before = words[state];
      const seq = nextSeq(before);
      if (ctx.shards === 1) words[state] = seq;
      else if (Atomics.compareExchange(words, state, before, seq) !== before) continue;
      if (seq < before) words[state + 1] = 1;
      return seq;
    }
  }

  /** The block has a number of its own from now on. */
  function note(ptr: number, size: number, tag: number, above: (...args: never[]) => unknown): void {
    const seq = takeSeq();
    seqSlot.write(ptr, liveWord(seq));
    tagSlot.write(ptr, tag);
    agentSlot.write(ptr, agent);
    if (sizeSlot !== undefined) sizeSlot.write(ptr, size);
    if (stacks?.keeps(seq)) stacks.allocated(seq, above);
  }

  const layer = {
    alloc(size: number, align: number, tag: number): number {
      let ptr = 0;
      try {
        ptr = alloc(size, align, tag);
      } catch (error) {
        settle(error, "alloc()");
        return layer.alloc(size, align, tag);
      }
      if (ptr !== 0) note(ptr, size, tag, layer.alloc);
      return ptr;
    },
    free(ptr: number): void {
      let at = 0;
      let word = 0;
      let size = 0;
      try {
        size = usableSize(ptr); // throws for what is no live block
        at = seqSlot.address(ptr) >>> 2;
        word = words[at];
        words[at] = deadWord(word);
        free(ptr);
      } catch (error) {
        // It lives, and its number is its own again before anyone reads it.
        if (at !== 0) words[at] = word;
        settle(error, "free()");
        if (isDamage(error)) layer.free(ptr);
        return;
      }
      const seq = seqOf(word);
      graveyard.bury(ptr, size, seq, agent);
      if (stacks?.keeps(seq)) stacks.freed(seq, refused.underWay ?? layer.free);
    },
    resize(ptr: number, size: number): boolean {
      let done = false;
      try {
        done = resize(ptr, size);
      } catch (error) {
        settle(error, "realloc()");
        return layer.resize(ptr, size);
      }
      // Another size is another block: views and numbers of the old one are void, as if it had moved.
      if (done) note(ptr, size, tagSlot.read(ptr), layer.resize);
      return done;
    },
    usableSize,
  };
  const realloc = createRealloc(ctx, layer, (ptr) => tagSlot.read(ptr));

  /** Where errors are not thrown, the call is made until nothing is found any more. */
  function again<Result>(foundAt: string, work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      settle(error, foundAt);
      return again(foundAt, work);
    }
  }

  /**
   * Whatever ends: views on it are to see that. Which it will be nobody knows before, and afterwards the header may be somebody else's; so all are
   * marked, and those that are left have their numbers back.
   */
  function endMany(foundAt: string, end: () => void): void {
    const turn = (dead: boolean): void =>
      walk?.(({ ptr, state: is }) => {
        const word = seqSlot.read(ptr);
        if ((is === "used" || is === "page") && isDead(word) !== dead) seqSlot.write(ptr, deadWord(word));
      });
    again(foundAt, () => {
      turn(true);
      try {
        end();
      } finally {
        turn(false);
      }
    });
  }

  /** Every block has a number of its own, and not one that is yet to come. */
  function checkNumbers(report: (finding: Finding) => void): void {
    const seen = new Set<number>();
    walk?.(({ ptr, state: is }) => {
      if (is !== "used" && is !== "page") return;
      const word = seqSlot.read(ptr);
      const seq = seqOf(word);
      let wrong = "";
      if (isDead(word)) wrong = "it was freed";
      else if (seq === 0 || (seq > words[state] && words[state + 1] === 0)) wrong = `it is #${seq}`;
      else if (seen.has(seq)) wrong = `it is #${seq}, as another block is`;
      seen.add(seq);
      if (wrong !== "")
        report({ message: `the header of the live block at ${hex(ptr)} says: ${wrong}`, ptr });
    });
  }

  const allocator: Partial<Inner> = {
    alloc: layer.alloc,
    free: layer.free,
    resize: layer.resize,
    // A realloc begins with it, too.
    usableSize(ptr) {
      try {
        return usableSize(ptr);
      } catch (error) {
        if (!isHeapError(error)) throw error;
        const report = reportOf(error, "usableSize() or realloc()");
        if (!isDamage(error)) throw report;
        reports.add(report);
        return allocator.usableSize?.(ptr) as number;
      }
    },
    realloc(ptr, size, align, tag) {
      during = "realloc()";
      try {
        const moved = realloc(ptr, size, align, tag);
        // In place the tag is its own, unless another one was given.
        if (moved === ptr && tag !== 0) tagSlot.write(ptr, tag);
        return moved;
      } catch (error) {
        // Sizes are asked for outside of the layer's own calls.
        if (isHeapError(error) && error.foundAt?.startsWith(during) !== true) settle(error, during);
        throw error;
      } finally {
        during = "";
      }
    },
    tagOf: (ptr) => tagSlot.read(ptr),
    ...(reset && { reset: () => endMany("reset()", reset) }),
    ...(release && { release: (mark) => endMany("release()", () => release(mark)) }),
    // What waits in quarantine is looked at then.
    ...(mark && { mark: () => again("mark()", mark) }),
    ...(walk && {
      walk(visit) {
        walk((block) => {
          const { ptr, state: is } = block;
          if (is === "used" || is === "page" || is === "quarantined") {
            block.tag = tagSlot.read(ptr);
            block.note = `#${seqOf(seqSlot.read(ptr))}, agent ${agentSlot.read(ptr)}`;
            if (sizeSlot !== undefined) block.size = Math.min(block.size, sizeSlot.read(ptr));
          }
          visit(block);
        });
      },
    }),
    // A block whose free has not come to an end lives, with a number nobody else has.
    ...(recover &&
      walk && {
        recover(interrupted) {
          recover(interrupted);
          const seen = new Set<number>();
          walk(({ ptr, state: is, usable }) => {
            if (is !== "used" && is !== "page") return;
            const word = seqSlot.read(ptr);
            if (isDead(word)) seqSlot.write(ptr, deadWord(word));
            const seq = seqOf(seqSlot.read(ptr));
            if (seq === 0 || seen.has(seq) || (seq > words[state] && words[state + 1] === 0)) {
              words[state] = nextSeq(words[state]);
              seqSlot.write(ptr, liveWord(words[state]));
            }
            seen.add(seqOf(seqSlot.read(ptr)));
            if (sizeSlot !== undefined) sizeSlot.write(ptr, Math.min(usable, sizeSlot.read(ptr)));
          });
        },
      }),
    check(report) {
      check?.((finding) => {
        const { code } = finding;
        if (code === undefined || !isDamage(finding) || finding.details === undefined) {
          report(finding);
          return;
        }
        const enriched = enrich(sources, finding as DetailedFinding, "check()");
        const found = ctx.error(code, enriched.message, enriched.details);
        if (reports.throws) {
          reports.keep(found);
          report(enriched);
        } else reports.add(found);
      });
      checkNumbers(report);
    },
  };
  const api = createApi({
    ctx,
    inner,
    blocks,
    stacks,
    reports,
    now: sources.now,
    collected: options.collected,
  });
  return { allocator, api };
}
