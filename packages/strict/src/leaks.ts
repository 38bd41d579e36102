/** Live blocks, grouped by who asked for them. */
import type { Blocks, KnownBlock } from "./blocks.js";
import type { Stacks } from "./stacks.js";

/** Live blocks of one tag that were allocated at one place. */
export interface Leak {
  /** Name of the tag, or its id; 0 for blocks without. */
  readonly tag: string | number;
  /** Where they were allocated; absent where that is not known, and then that is what they have in common. */
  readonly stack?: string;
  readonly count: number;
  /** Bytes asked for, together. */
  readonly bytes: number;
  /** The blocks, in the order they were allocated in. */
  readonly blocks: readonly LeakedBlock[];
}

export interface LeakedBlock {
  readonly ptr: number;
  readonly size: number;
  readonly seq: number;
  /** Agent that allocated it. */
  readonly agent: number;
}

/** @param after Only blocks with a higher number. */
export function findLeaks(blocks: Blocks, stacks: Stacks | undefined, after: number): Leak[] {
  const groups = new Map<string, { tag: string | number; stack: string | undefined; blocks: KnownBlock[] }>();
  blocks.walk((block) => {
    if (block.state === "quarantined" || block.seq <= after) return;
    const { tag } = block;
    const stack = stacks?.text(block.seq).allocated;
    const key = `${typeof tag} ${tag}\n${stack ?? ""}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { tag, stack, blocks: [block] });
    else group.blocks.push(block);
  });
  return [...groups.values()]
    .map(({ tag, stack, blocks: found }) => ({
      tag,
      ...(stack === undefined ? {} : { stack }),
      count: found.length,
      bytes: found.reduce((sum, { size }) => sum + size, 0),
      blocks: found
        .sort((a, b) => a.seq - b.seq)
        .map(({ ptr, size, seq, agent }) => ({ ptr, size, seq, agent })),
    }))
    .sort((a, b) => b.bytes - a.bytes);
}
