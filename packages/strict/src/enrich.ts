/**
 * From what one layer knows to what the heap knows: an error thrown below becomes a report that says which allocation the block was,
 * whose, when it happened, who freed it, and how to find it sooner.
 *
 *     1 byte written past the end of block #412 (10 bytes, tag "png.row") at 0x11310
 *       found at free(), agent 1; written some time after alloc #412 (now #977)
 *       first bad byte …
 *       0x11310  …
 *
 * Price: a walk of the heap, for a bug.
 */
import type { Context, HeapErrorCode, HeapErrorDetails } from "@heapwright/core";
import type { Blocks, KnownBlock } from "./blocks.js";
import { type DetailedFinding, isDamage } from "./finding.js";
import type { Buried, Graveyard } from "./graveyard.js";
import type { Stacks, TraceText } from "./stacks.js";
import { blockText } from "./text.js";

/** A `HeapError`, whichever copy of core made it. */
export interface Known extends Error, Omit<HeapErrorDetails, "cause"> {
  readonly code: HeapErrorCode;
}

const BRAND = Symbol.for("heapwright.HeapError");

export function isHeapError(value: unknown): value is Known {
  return typeof value === "object" && value !== null && BRAND in value;
}

/** Where a report gets what it says from. */
export interface Sources {
  readonly ctx: Context;
  readonly blocks: Blocks;
  readonly graveyard: Graveyard;
  readonly stacks: Stacks | undefined;
  /** Does an address lie in the area? */
  owns(address: number): boolean;
  /** Number of the latest allocation. */
  now(): number;
}

/** The same finding with all that is known. `foundAt` is the call of the user. */
export function enrich(sources: Sources, error: Known | DetailedFinding, foundAt: string): DetailedFinding {
  const { ctx, blocks, graveyard } = sources;
  const given: HeapErrorDetails = "details" in error ? error.details : detailsOf(error);
  const { code, message } = error;
  const address = given.block?.ptr ?? given.ptr;
  const block = address === undefined || !sources.owns(address) ? undefined : blocks.at(address);
  const buried = block !== undefined || given.ptr === undefined ? undefined : graveyard.find(given.ptr);
  const subject = block ?? (buried && { ...buried, tag: 0, state: "free", agent: 0 });
  const trace = subject === undefined ? {} : (sources.stacks?.text(subject.seq) ?? {});
  const freedBy = given.freedAt ?? (buried && `agent ${buried.freedBy}`);
  const hint = hintFor(error, subject && trace, foundAt) ?? given.hint;
  const details: HeapErrorDetails = {
    ...given,
    foundAt: `${foundAt}, agent ${ctx.agent}`,
    ...(subject && { block: blockDetails(subject) }),
    ...(block && { allocatedAt: withStack(`alloc #${block.seq}, agent ${block.agent}`, trace.allocated) }),
    ...(freedBy !== undefined && { freedAt: withStack(freedBy, trace.freed) }),
    ...(hint !== undefined && { hint }),
    ...causes(subject, trace),
  };
  return {
    code,
    message:
      isDamage(error) && block
        ? damageText(sources, message, given, block, foundAt)
        : pointerText(sources, message, block, buried, foundAt),
    ...(given.ptr === undefined ? {} : { ptr: given.ptr }),
    details,
  };
}

function detailsOf(error: Known): HeapErrorDetails {
  const { ptr, block, offset, relativeTo, bytes, freedAt, hint, errors } = error;
  const all = { ptr, block, offset, relativeTo, bytes, freedAt, hint, errors };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function blockDetails({ ptr, size, tag, seq, state }: KnownBlock): NonNullable<HeapErrorDetails["block"]> {
  return { ptr, size, tag, seq, state };
}

const withStack = (who: string, stack: string | undefined): string =>
  stack === undefined ? who : `${who}\n${stack}`;

/** The block gets its name, and the line about when gets the numbers. */
function damageText(
  sources: Sources,
  message: string,
  given: HeapErrorDetails,
  block: KnownBlock,
  foundAt: string,
): string {
  const [headline, , ...rest] = message.split("\n");
  const before = given.block === undefined ? "" : blockText(given.block);
  const { seq } = block;
  const when = block.state === "quarantined" ? `after block #${seq} was freed` : `after alloc #${seq}`;
  return [
    headline.replace(before, blockText(block)),
    `  found at ${foundAt}, agent ${sources.ctx.agent}; written some time ${when} (now #${sources.now()})`,
    ...rest,
  ].join("\n");
}

function pointerText(
  { ctx, now }: Sources,
  message: string,
  block: KnownBlock | undefined,
  buried: Buried | undefined,
  foundAt: string,
): string {
  const found = `  found at ${foundAt}, agent ${ctx.agent} (now #${now()})`;
  if (block !== undefined) {
    const state = block.state === "quarantined" ? "freed, in quarantine" : "live";
    return `${message}\n${found}\n  ${blockText(block)}: ${state}, allocated by agent ${block.agent}`;
  }
  if (buried === undefined) return `${message}\n${found}`;
  return `${message}\n${found}\n  the last that was there: ${blockText(buried)}, freed by agent ${buried.freedBy}`;
}

/** @param trace Stacks of the block, if there is or was one. */
function hintFor(
  error: { readonly code: HeapErrorCode },
  trace: TraceText | undefined,
  foundAt: string,
): string | undefined {
  const { code } = error;
  const isChecked = foundAt === "check()";
  const parts: string[] = [];
  if (isDamage(error)) {
    if (isChecked) parts.push("heap.strict.view(ptr, type) throws at the access itself");
    else if (code === "ERR_USE_AFTER_FREE")
      parts.push(
        'delayedFree: { verify: "every-free" } looks at each free, heap.check() whenever it is called',
      );
    else parts.push("call heap.check() in between: it looks at every fence");
  } else if (code !== "ERR_DOUBLE_FREE" && code !== "ERR_INVALID_POINTER") return undefined;
  if (trace !== undefined && trace.allocated === undefined && trace.freed === undefined) {
    parts.push('stacks: "all" shows where every block was allocated and freed');
  }
  return parts.length === 0 ? undefined : parts.join("; ");
}

/** The stacks, as causes: the free, caused by the allocation. */
function causes(block: KnownBlock | undefined, { allocated, freed }: TraceText): { cause?: Error } {
  if (block === undefined) return {};
  const made =
    allocated === undefined ? undefined : stackError(`allocated: block #${block.seq}`, allocated, undefined);
  const cause = freed === undefined ? made : stackError(`freed: block #${block.seq}`, freed, made);
  return cause === undefined ? {} : { cause };
}

function stackError(message: string, frames: string, cause: Error | undefined): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  error.name = "Stack";
  Object.defineProperty(error, "stack", { value: `${message}\n${frames}`, configurable: true });
  return error;
}
