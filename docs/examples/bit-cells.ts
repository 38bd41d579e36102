/**
 * `bitCells()`: every block is one cell of 256 bytes, and one bit says that it is in use. The smallest strategy that keeps all promises.
 *
 *     state      area
 *     |bits|     |header|cell|header|cell| … |rest|       bit n: cell n is in use. All there is to know
 *
 * Price: one bit a cell; allocation looks at up to (cells / 32) words, everything else at one. It cannot grow.
 */
import type { Strategy } from "@heapwright/core";

const CELL = 256;

export function bitCells(): Strategy<"bitCells", undefined> {
  return {
    abi: 1,
    name: "bitCells",
    version: 1,
    fields: [],
    stateBytes: ({ regionBytes, layout }) => 4 * Math.ceil(regionBytes / (CELL + layout.headerBytes) / 32),
    capabilities: {
      free: "any",
      detects: ["double-free", "foreign", "interior", "unaligned", "forged"],
      shared: true,
      grow: false,
      reset: true,
      marks: false,
      maxAlign: 16,
    },
    create(ctx) {
      const { base, areaStart, areaEnd } = ctx.region;
      const { headerBytes } = ctx.layout;
      const stride = CELL + headerBytes;
      const count = Math.floor((areaEnd - areaStart) / stride);
      const bits = ctx.state >>> 2;
      let words = ctx.memory.u32;
      ctx.onRefresh(() => {
        words = ctx.memory.u32;
      });

      const ptrOf = (cell: number): number => areaStart + cell * stride + headerBytes;
      const cellAt = (ptr: number): number => Math.floor((ptr - areaStart) / stride);
      const isLive = (cell: number): boolean => ((words[bits + (cell >>> 5)] >>> (cell & 31)) & 1) === 1;
      const clear = (cell: number): void => {
        words[bits + (cell >>> 5)] &= ~(1 << (cell & 31));
      };

      /** Every pointer comes through here, whatever number it is. */
      function cellOf(ptr: number): number {
        const cell = cellAt(ptr);
        if (
          cell < 0 ||
          cell >= count ||
          ptr % 16 !== 0 ||
          ptr < ptrOf(cell) ||
          (isLive(cell) && ptr !== ptrOf(cell))
        )
          throw ctx.error("ERR_INVALID_POINTER", `0x${ptr.toString(16)} is not a block`, { ptr });
        if (isLive(cell)) return cell;
        throw ctx.error("ERR_DOUBLE_FREE", `0x${ptr.toString(16)} lies in a free cell`, { ptr });
      }

      function firstFree(): number {
        for (let word = 0; word * 32 < count; word++) {
          const free = ~words[bits + word];
          if (free === 0) continue;
          const cell = word * 32 + 31 - Math.clz32(free & -free);
          return cell < count ? cell : -1;
        }
        return -1;
      }

      return {
        allocator: {
          alloc(size) {
            const cell = size > CELL ? -1 : firstFree();
            if (cell < 0) return 0;
            words[ctx.made] = ptrOf(cell) - base; // before the store that commits
            words[bits + (cell >>> 5)] |= 1 << (cell & 31);
            return ptrOf(cell);
          },
          free: (ptr) => clear(cellOf(ptr)),
          resize: (ptr, size) => cellOf(ptr) >= 0 && size <= CELL,
          usableSize: (ptr) => (cellOf(ptr) >= 0 ? CELL : 0),
          takenSize: (ptr) => (cellOf(ptr) >= 0 ? stride : 0),
          goodSize: (size) => Math.max(size, CELL),
          owns: (ptr) => ptr >= areaStart && ptr < areaEnd,
          reset() {
            words.fill(0, bits, bits + Math.ceil(count / 32));
          },
          walk(visit) {
            for (let cell = 0; cell < count; cell++) {
              const state = isLive(cell) ? "used" : "free";
              visit({ ptr: ptrOf(cell), size: CELL, usable: CELL, state, tag: 0 });
            }
          },
          check(report) {
            for (let cell = count; cell % 32 !== 0; cell++) {
              if (isLive(cell)) report({ message: `bitCells: there is no cell ${cell}, and it is in use` });
            }
          },
          recover({ made }) {
            if (made !== 0) clear(cellAt(base + made)); // handed out to nobody, committed or not
          },
        },
        api: undefined,
      };
    },
  };
}
