/**
 * What a heap tells about itself: byte counts, blocks, checks, dump. None of it is on the alloc or free path.
 */
import type { Assembly } from "./assemble.js";
import { type HeapError, type HeapErrorCode, hex } from "./errors.js";
import { HEADER, MAGIC } from "./header.js";
import type { Block, Finding, Totals, WalkedBlock } from "./types.js";

export interface Inspector {
  totals(): Totals;
  blocks(): IterableIterator<Block>;
  check(): void;
  dump(write?: (line: string) => void): string;
}

/** A report of this many findings is cut: a broken chain would fill pages. */
const MAX_FINDINGS = 64;

export function createInspector(assembly: Assembly): Inspector {
  const { allocator, region, memory, error, exclusive, name, sync } = assembly;

  function walk(visit: (block: WalkedBlock) => void): void {
    sync();
    if (allocator.walk === undefined) throw error("ERR_UNSUPPORTED", "this stack cannot list its blocks");
    allocator.walk(visit);
  }

  function totals(): Totals {
    sync();
    const sums: Totals = { capacity: 0, used: 0, free: 0, quarantined: 0, overhead: 0, page: 0, pageFree: 0 };
    if (allocator.totals !== undefined) {
      allocator.totals(sums);
      return sums;
    }
    exclusive(() => {
      walk((block) => {
        if (block.state !== "reserved") sums[block.state] += block.usable;
      });
      sums.capacity = region.areaEnd - region.areaStart;
    });
    sums.overhead = sums.capacity - sums.used - sums.free - sums.quarantined - sums.page;
    return sums;
  }

  function blocks(): IterableIterator<Block> {
    const found: Block[] = [];
    walk(({ ptr, size, usable, state, tag }) => {
      if (state !== "reserved") found.push({ ptr, size, usable, state, tag });
    });
    return found[Symbol.iterator]();
  }

  function checkHeader(report: (finding: Finding) => void): void {
    const word = (offset: number): number => memory.u32[(region.base + offset) >>> 2] as number;
    const expect = (what: string, offset: number, value: number): void => {
      if (word(offset) === value) return;
      report({
        message: `heap header: ${what} is ${hex(word(offset))}, expected ${hex(value)}`,
        ptr: region.base + offset,
      });
    };
    expect("magic", HEADER.magic, MAGIC);
    expect("header bytes", HEADER.headerBytes, region.areaStart - region.base);
    expect("region bytes", HEADER.regionBytes, region.areaEnd - region.base);
    expect("max bytes", HEADER.maxBytes, region.areaMax - region.base);
    expect("base", HEADER.base, region.base);
  }

  function check(): void {
    sync();
    const findings: Finding[] = [];
    const report = (finding: Finding): void => {
      findings.push(finding);
    };
    exclusive(() => {
      checkHeader(report);
      allocator.check?.(report);
    });
    const first = findings[0];
    if (first === undefined) return;
    const errors = findings.slice(0, MAX_FINDINGS).map((finding) => errorOf(finding));
    if (findings.length === 1) throw errors[0];
    const rest = findings.length > MAX_FINDINGS ? `, of which the first ${MAX_FINDINGS} are listed` : "";
    throw error(
      "ERR_HEAP_CORRUPT",
      `${findings.length} findings${rest}; first: ${first.message.split("\n", 1)[0]}`,
      {
        errors,
        foundAt: "check()",
        ...(first.ptr === undefined ? {} : { ptr: first.ptr }),
      },
    );
  }

  function errorOf({ code, message, ptr, details }: Finding): HeapError {
    const kind: HeapErrorCode = code ?? "ERR_HEAP_CORRUPT";
    return error(kind, message, { foundAt: "check()", ...(ptr === undefined ? {} : { ptr }), ...details });
  }

  function dump(write?: (line: string) => void): string {
    const lines: string[] = [];
    const put = (line: string): void => {
      lines.push(line);
      write?.(line);
    };
    const sums = totals();
    const area = `${hex(region.areaStart)} to ${hex(region.areaEnd)}`;
    put(`heap "${name}" at ${hex(region.base)}, area ${area}, ${sums.capacity} bytes`);
    put(
      `used ${sums.used}, free ${sums.free}, quarantined ${sums.quarantined}, overhead ${sums.overhead}, ` +
        `pages ${sums.page}, free pages ${sums.pageFree}`,
    );
    walk((block) => put(dumpLine(block, assembly.tagName(block.tag))));
    return `${lines.join("\n")}\n`;
  }

  return { totals, blocks, check, dump };
}

function dumpLine({ ptr, size, usable, state, tag, note }: WalkedBlock, tagName: string | undefined): string {
  const asked = size === usable ? "" : `  size ${size}`;
  const who = tag === 0 ? "" : `  tag ${tagName === undefined ? tag : JSON.stringify(tagName)}`;
  const more = note === undefined ? "" : `  ${note}`;
  return `0x${ptr.toString(16).padStart(8, "0")}  ${state.padEnd(11)}  ${String(usable).padStart(10)}${asked}${who}${more}`;
}
