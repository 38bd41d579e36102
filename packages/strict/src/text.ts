/** Words of reports: addresses, counts, blocks. */
import type { HeapErrorBlock } from "@heapwright/core";

export function hex(address: number): string {
  return `0x${address.toString(16)}`;
}

/** `1 byte`, `2 bytes`. */
export function count(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? "" : "s"}`;
}

/** `block #412 (10 bytes, tag "png.row") at 0x11310`, as much of it as is known. */
export function blockText({ ptr, size, tag, seq }: HeapErrorBlock): string {
  const number = seq === undefined ? "the block" : `block #${seq}`;
  const name = typeof tag === "string" ? JSON.stringify(tag) : tag;
  const tagged = name === undefined || name === 0 ? "" : `, tag ${name}`;
  return `${number} (${count(size, "byte")}${tagged}) at ${hex(ptr)}`;
}
