/**
 * A finding: bytes that are not what they must be, and the report made of them.
 *
 *     1 byte written past the end of the block (10 bytes) at 0x11310           headline
 *       found at free()                                                        where
 *       first bad byte 0x1131a (+0 past the end): expected 9f, found 00, …     first
 *       0x11310  41 41 41 41 41 41 41 41  41 41|00<3c a7 51 e2 88   AAAAAA…    dump
 *
 * Made at once, before the bytes are mended: the error has copies. `enrich.ts` puts in what only the whole heap knows.
 *
 * The rule of all decorators: **a call that throws a finding has not done what it was asked for, and what it found is mended.** So
 * each bug is reported once, and the call can be made again.
 *
 * Price: slow, but only ever paid for a bug.
 */
import type { Context, Finding, HeapErrorBlock, HeapErrorCode, HeapErrorDetails } from "@heapwright/core";
import { guess } from "./guess.js";
import { hexDump } from "./hex-dump.js";
import { blockText, count, hex } from "./text.js";

export type DamageCode = "ERR_HEAP_OVERFLOW" | "ERR_HEAP_UNDERFLOW" | "ERR_USE_AFTER_FREE";

/** Is an error or finding about bytes somebody wrote? Those are mended when found, so the call can be made again. */
export function isDamage(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === "ERR_HEAP_OVERFLOW" || code === "ERR_HEAP_UNDERFLOW" || code === "ERR_USE_AFTER_FREE";
}

/** Bytes someone wrote to. */
export interface Damage {
  readonly code: DamageCode;
  readonly block: HeapErrorBlock;
  /** What was looked at: `[from, to)`, the first bad byte included. */
  readonly from: number;
  readonly to: number;
  /** What has to be at an address in there. */
  expected(address: number): number;
  /** Agent that freed the block. */
  readonly freedBy?: number;
}

/** A finding with all that its error needs. */
export interface DetailedFinding extends Finding {
  readonly code: HeapErrorCode;
  readonly details: HeapErrorDetails;
}

/** Describes the damage. Reads the bytes, changes none. `foundAt` is the call, as `free()`. */
export function describeDamage(ctx: Context, damage: Damage, foundAt: string): DetailedFinding {
  const { u8 } = ctx.memory;
  const { code, block, expected } = damage;
  let first = -1;
  let end = damage.from;
  for (let at = damage.from; at < damage.to; at++) {
    if (u8[at] === expected(at)) continue;
    if (first < 0) first = at;
    end = at + 1;
  }
  const actual = u8.slice(first, end);
  const blockEnd = block.ptr + block.size;
  const isPast = code === "ERR_HEAP_OVERFLOW";
  const offset = first - (isPast ? blockEnd : block.ptr);
  const lines = [
    headline(damage, first, end),
    `  found at ${foundAt}`,
    `  first bad byte ${hex(first)} (${place(damage, offset)}): expected ${byteText(expected(first))}, ` +
      `found ${byteText(u8[first])}${guess(actual, ctx.region)}`,
    ...hexDump({
      bytes: u8,
      from: first,
      to: end,
      edge: isPast ? blockEnd : block.ptr,
      isBad: (at) => at >= first && at < end && u8[at] !== expected(at),
    }),
  ];
  return {
    code,
    ptr: block.ptr,
    message: lines.join("\n"),
    details: {
      ptr: block.ptr,
      block,
      offset,
      relativeTo: isPast ? "end of block" : "block",
      bytes: {
        from: first,
        to: end,
        expected: Uint8Array.from(actual, (_, at) => expected(first + at)),
        actual,
      },
      foundAt,
      ...(damage.freedBy === undefined ? {} : { freedAt: `agent ${damage.freedBy}` }),
    },
  };
}

/** The finding as an error to throw. */
export function damageError(ctx: Context, damage: Damage, foundAt: string): Error {
  const { code, message, details } = describeDamage(ctx, damage, foundAt);
  return ctx.error(code, message, details);
}

function headline({ code, block, to, freedBy }: Damage, first: number, end: number): string {
  const bytes = count(end - first, "byte");
  if (code === "ERR_HEAP_OVERFLOW") {
    // Whoever wrote to the fence's last byte may well have gone on.
    return `${end === to ? "at least " : ""}${bytes} written past the end of ${blockText(block)}`;
  }
  if (code === "ERR_HEAP_UNDERFLOW") return `${bytes} written before ${blockText(block)}`;
  const who = freedBy === undefined ? "" : ` by agent ${freedBy}`;
  return `${bytes} written to ${blockText(block)} after it was freed${who}`;
}

function place({ code, block }: Damage, offset: number): string {
  if (code === "ERR_HEAP_OVERFLOW") return `+${offset} past the end`;
  if (code === "ERR_HEAP_UNDERFLOW") return `${offset}, before the block`;
  return offset < block.size ? `+${offset} of the block` : `+${offset} of the block, past its end`;
}

const byteText = (byte: number): string => byte.toString(16).padStart(2, "0");
