/**
 * The heap header: the first bytes of every heap, the same for every strategy.
 *
 *     base                                                                                        (multiple of 64)
 *     0      4       8       12      16      20      24      28       32       36      40       44      48 … 63
 *     |magic |format |header |region |max    |base   |align  |manifest|manifest|agents |lock    |claimed| 0
 *     |"HWRT"|version|bytes  |bytes  |bytes  |       |granted|offset  |bytes   |given  |kind    |bytes  |
 *     64                              lock state, 64 bytes (lock.ts)
 *     128                             manifest, UTF-8 JSON (manifest.ts)
 *     …                               state of each plugin, 64-aligned
 *     …                               state of the strategy, 64-aligned (its side tables)
 *     header bytes                    the area begins                                             (multiple of 64)
 *     region bytes                    the area ends
 *
 * | word | invariant |
 * |---|---|
 * | header bytes | area start - base; multiple of 64 |
 * | region bytes | area end - base; multiple of 16; read under the lock it tells an agent that another one grew the heap |
 * | max bytes | what `region bytes` can reach: the side tables are sized for it |
 * | claimed bytes | bytes from base on that are the heap's or nobody's, as of its making or last growth: what is behind is somebody else's |
 * | base | where the heap was when its blocks were aligned |
 * | align granted | largest alignment any block was ever asked for: a copy keeps `base` modulo it |
 * | agents given | ids handed out so far; the next agent gets one more |
 *
 * Price: 128 bytes, the manifest (about 200 to 400 bytes), and what the stack's states take.
 */

export const MAGIC = 0x54525748;
/** Version of this header and of the manifest's shape. */
export const FORMAT_VERSION = 1;

/** Byte offsets from base. */
export const HEADER = {
  magic: 0,
  format: 4,
  headerBytes: 8,
  regionBytes: 12,
  maxBytes: 16,
  base: 20,
  alignGranted: 24,
  manifestOffset: 28,
  manifestBytes: 32,
  agents: 36,
  lockKind: 40,
  claimedBytes: 44,
} as const;

export const LOCK_OFFSET = 64;
export const LOCK_BYTES = 64;
export const MANIFEST_OFFSET = 128;
/** The base of a heap, its area and every state are multiples of this. */
export const REGION_ALIGN = 64;
/** The area's end is a multiple of this. */
export const GRANULE = 16;
export const PAGE = 4096;
/** No heap ends beyond this, so that every address and every size fits 32 bits. */
export const MAX_END = 2 ** 32 - PAGE;

export function roundUp(bytes: number, multiple: number): number {
  return Math.ceil(bytes / multiple) * multiple;
}

export function roundDown(bytes: number, multiple: number): number {
  return Math.floor(bytes / multiple) * multiple;
}
