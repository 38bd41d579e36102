/**
 * `cells({ bytes })`: every block is one cell of a fixed size. For the many small objects of one kind.
 *
 *     state                                     area
 *     |head|used|free|live bits|owned bits|   |header|cell|header|cell| … |rest|
 *
 * | word | invariant |
 * |---|---|
 * | head | offset of the first free cell's payload from base, 0 if none; its first word is the next offset, and so on |
 * | used, free | how many cells are in use, and in the free list |
 * | live bits | one bit a cell: it is in use. Out of band, so that nobody can forge a block with what he writes into one |
 * | owned bits | one bit a cell: it is the heap's. Not set for cells over pages that somebody else added to the memory |
 *
 * Headers are there only if plugins ask for slots. Price: no byte a block without plugins, 2 bits a cell, and what a request
 * leaves of its cell. Allocation, free and validation O(1); linking the cells of a new area O(cells).
 */
import type { Layout, Options, Strategy } from "@heapwright/core";

const HEAD = 0;
const USED = 1;
const FREE = 2;
const STATE_WORDS = 3;

export interface CellsApi {
  readonly freeCells: number;
}

const strideOf = (layout: Layout, options: Options): number => layout.headerBytes + (options.bytes as number);
const bitWords = (cells: number): number => Math.ceil(cells / 32);

/** @param options `bytes`: payload of a cell, a multiple of 16 from 16 to 65536; default 64. */
export function cells(options: { readonly bytes?: number } = {}): Strategy<"cells", CellsApi> {
  const { bytes } = options;
  if (bytes !== undefined && (bytes % 16 !== 0 || bytes < 16 || bytes > 65536)) {
    throw new RangeError(`cells: bytes must be a multiple of 16 from 16 to 65536, not ${bytes}`);
  }
  return {
    abi: 1,
    name: "cells",
    version: 2,
    fields: [],
    options: bytes === undefined ? {} : { bytes },
    defaults: { bytes: 64 },
    stateBytes: ({ regionBytes, layout, options }) =>
      4 * (STATE_WORDS + 2 * bitWords(regionBytes / strideOf(layout, options))),
    capabilities: {
      free: "any",
      detects: ["double-free", "foreign", "interior", "unaligned", "forged"],
      shared: true,
      grow: true,
      reset: true,
      marks: false,
      maxAlign: 16,
    },
    create(ctx) {
      const { memory, region, layout } = ctx;
      const { base, areaStart } = region;
      const cellBytes = ctx.options.bytes as number;
      const header = layout.headerBytes;
      const stride = strideOf(layout, ctx.options);
      const state = ctx.state >>> 2;
      const live = state + STATE_WORDS;
      const owned = live + bitWords((region.areaMax - base) / stride);
      let words = memory.u32;
      ctx.onRefresh(() => {
        words = memory.u32;
      });

      const count = (): number => Math.floor((region.areaEnd - areaStart) / stride);
      const ptrOf = (cell: number): number => areaStart + cell * stride + header;
      const cellAt = (ptr: number): number => Math.floor((ptr - areaStart) / stride);
      const bit = (bits: number, cell: number): boolean =>
        ((words[bits + (cell >>> 5)] >>> (cell & 31)) & 1) === 1;
      const setBit = (bits: number, cell: number): void => {
        words[bits + (cell >>> 5)] |= 1 << (cell & 31);
      };
      const clearBit = (bits: number, cell: number): void => {
        words[bits + (cell >>> 5)] &= ~(1 << (cell & 31));
      };
      const inArea = (ptr: number): boolean => ptr >= areaStart && ptr < region.areaEnd;
      /** Is there a cell's payload at `ptr`, which may be any number? */
      const isCell = (ptr: number): boolean =>
        inArea(ptr) && (ptr - areaStart - header) % stride === 0 && bit(owned, cellAt(ptr));

      function push(ptr: number): void {
        words[ptr >>> 2] = words[state + HEAD];
        words[state + HEAD] = ptr - base;
        words[state + FREE]++;
      }

      /** Cells from `first` to the one before `end`, the lowest on top of the list. */
      function add(first: number, end: number): void {
        for (let cell = end - 1; cell >= first; cell--) {
          setBit(owned, cell);
          push(ptrOf(cell));
        }
      }

      /** Every pointer comes through here; headers and links are never asked. */
      function cellOf(ptr: number): number {
        const cell = cellAt(ptr);
        if (isCell(ptr) && bit(live, cell)) return cell;
        const inFree =
          inArea(ptr) && ptr % 16 === 0 && ptr >= ptrOf(cell) && bit(owned, cell) && !bit(live, cell);
        throw inFree
          ? ctx.error("ERR_DOUBLE_FREE", `0x${ptr.toString(16)} lies in a free cell`, { ptr })
          : ctx.error("ERR_INVALID_POINTER", `0x${ptr.toString(16)} is not a block`, { ptr });
      }

      if (ctx.fresh) add(0, count());
      return {
        allocator: {
          alloc(size) {
            const head = words[state + HEAD];
            if (size > cellBytes || head === 0) return 0;
            const ptr = base + head;
            // The link was in a cell somebody may have written to after freeing it.
            if (!isCell(ptr) || bit(live, cellAt(ptr))) {
              throw ctx.error("ERR_HEAP_CORRUPT", `the free list leads to 0x${ptr.toString(16)}`, { ptr });
            }
            // Before the live bit, which commits.
            words[ctx.made] = head;
            words[state + HEAD] = words[ptr >>> 2];
            setBit(live, cellAt(ptr));
            words[state + USED]++;
            words[state + FREE]--;
            return ptr;
          },
          free(ptr) {
            clearBit(live, cellOf(ptr));
            words[state + USED]--;
            push(ptr);
          },
          resize: (ptr, size) => cellOf(ptr) >= 0 && size <= cellBytes,
          usableSize(ptr) {
            cellOf(ptr);
            return cellBytes;
          },
          takenSize(ptr) {
            cellOf(ptr);
            return stride;
          },
          goodSize: (size) => Math.max(size, cellBytes),
          owns: inArea,
          reset() {
            for (let cell = count() - 1; cell >= 0; cell--) {
              if (!bit(live, cell)) continue;
              clearBit(live, cell);
              push(ptrOf(cell));
            }
            words[state + USED] = 0;
          },
          walk(visit) {
            for (let cell = 0; cell < count(); cell++) {
              const ptr = ptrOf(cell);
              visit({
                ptr,
                size: cellBytes,
                usable: cellBytes,
                state: bit(live, cell) ? "used" : bit(owned, cell) ? "free" : "reserved",
                tag: 0,
              });
            }
          },
          check(report) {
            let used = 0;
            for (let cell = 0; cell < count(); cell++) {
              if (!bit(live, cell)) continue;
              used++;
              if (!bit(owned, cell))
                report({ message: `cell ${cell} is in use and not the heap's`, ptr: ptrOf(cell) });
            }
            if (used !== words[state + USED])
              report({ message: `used is ${words[state + USED]}, not ${used}` });
            let free = 0;
            for (let next = words[state + HEAD]; next !== 0; next = words[(base + next) >>> 2]) {
              const ptr = base + next;
              if (!isCell(ptr) || bit(live, cellAt(ptr)) || free++ > count()) {
                return report({ message: `the free list leads to 0x${ptr.toString(16)}`, ptr });
              }
            }
            if (free !== words[state + FREE])
              report({ message: `free is ${words[state + FREE]}, not ${free}` });
          },
          totals(into) {
            const capacity = region.areaEnd - areaStart;
            const used = words[state + USED] * cellBytes;
            const free = words[state + FREE] * cellBytes;
            into.capacity += capacity;
            into.used += used;
            into.free += free;
            into.overhead += capacity - used - free;
          },
          // The live bits are what happened; list and counts follow from them.
          recover({ made }) {
            if (made !== 0) clearBit(live, cellAt(base + made));
            words[state + HEAD] = 0;
            words[state + USED] = 0;
            words[state + FREE] = 0;
            for (let cell = count() - 1; cell >= 0; cell--) {
              if (bit(live, cell)) words[state + USED]++;
              else if (bit(owned, cell)) push(ptrOf(cell));
            }
          },
          growthFor(size, _align, gap) {
            if (size > cellBytes) return -1;
            const begin = region.areaEnd + gap;
            const first = gap === 0 ? count() : Math.ceil((begin - areaStart) / stride);
            return areaStart + (first + 1) * stride - begin;
          },
          extend(gapEnd, end) {
            const first = gapEnd === region.areaEnd ? count() : Math.ceil((gapEnd - areaStart) / stride);
            add(first, Math.floor((end - areaStart) / stride));
          },
        },
        api: {
          get freeCells() {
            return words[state + FREE];
          },
        },
      };
    },
  };
}
