/**
 * Rows of bytes as a person reads them: addresses, hexadecimal, text, the bad bytes marked.
 *
 *     0x11310  41 41 41 41 41 41 41 41  41 41|00<3c a7 51 e2 88   AAAAAAAAAA|.<.Q..
 *                                            │  └ the byte before it is bad
 *                                            └ here the block ends (or begins)
 *
 * Price: only reports make one, of six rows at most.
 */
import { hex } from "./text.js";

export const ROW = 16;
const ROWS = 6;

export interface HexDump {
  /** All bytes there are; rows outside are left out. */
  readonly bytes: Uint8Array;
  /** The bad bytes lie in `[from, to)`. */
  readonly from: number;
  readonly to: number;
  /** Is the byte at this address bad? */
  isBad(address: number): boolean;
  /** Address of the block's edge, where the bar stands. */
  readonly edge: number;
}

/** The rows from the one with the edge (if it is next to the bad bytes) to the last bad byte, each indented by two. */
export function hexDump(dump: HexDump): string[] {
  const { bytes, from, to, edge } = dump;
  const rowOf = (address: number): number => address - (address % ROW);
  // An edge far away is not worth the rows between; the byte before an end belongs to the picture.
  const near = edge > from - 2 * ROW && edge <= to + ROW;
  const first = Math.max(0, rowOf(near ? Math.min(from, edge - 1) : from));
  const last = rowOf(Math.max(from, to - 1, near && edge >= to ? edge : 0));
  const rows: string[] = [];
  for (let row = first; row <= last && row < bytes.length; row += ROW) {
    if (rows.length === ROWS) {
      rows.push(`  … ${last - row + ROW} bytes more`);
      break;
    }
    rows.push(rowText(dump, row));
  }
  return rows;
}

function rowText({ bytes, edge, isBad }: HexDump, row: number): string {
  let codes = edge === row ? "|" : " ";
  let text = edge === row ? "|" : "";
  for (let at = row; at < row + ROW && at < bytes.length; at++) {
    const byte = bytes[at];
    const mark = isBad(at) ? "<" : at + 1 === edge && at + 1 < row + ROW ? "|" : "";
    codes += byte.toString(16).padStart(2, "0") + (mark || " ");
    if (at === row + 7) codes += " ";
    text += (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".") + mark;
  }
  return `  ${hex(row)} ${codes.padEnd(ROW * 3 + 2)}  ${text}`;
}
