/**
 * The vocabulary of Heapwright: what a strategy, a plugin, a lock and a heap promise each other.
 *
 * Strategies and plugins import these types and nothing else from core; what they need at run time
 * (errors, slots, views) reaches them through the context their `create` is given, so that two copies
 * of core in one app do no harm.
 *
 * All sizes are bytes, all pointers unsigned byte offsets into the buffer, both in 0 … 2^32 - 1.
 */
import type { HeapErrorCode, HeapErrorDetails } from "./errors.js";
import type { Memory } from "./memory.js";
import type { RecoveryReport } from "./recover.js";

/** Byte offset of a block's payload in the memory's buffer. 0 is null and never a block. */
export type Ptr = number;

/** An alignment in bytes; 0 to 16 all mean 16, which every block has. */
export type Align = 0 | 1 | 2 | 4 | 8 | 16 | 32 | 64 | 128 | 256 | 512 | 1024 | 2048 | 4096;

/** "Who asked": an id above 4096, interned from a name by a plugin that keeps tags. */
export type Tag = number & { readonly __heapwright: "tag" };

/** What a block is, as `blocks()` and `dump()` tell it. */
export type BlockState = "used" | "free" | "quarantined" | "page";

/** One block as `blocks()` reports it. */
export interface Block {
  /** Payload address. */
  readonly ptr: Ptr;
  /** Bytes asked for, where a plugin keeps them; else `usable`. */
  readonly size: number;
  /** Bytes the holder may use. */
  readonly usable: number;
  readonly state: BlockState;
  /** Tag of the block, 0 where none is kept. */
  readonly tag: number;
}

/**
 * A block on its way up through the layers of `walk`; each layer may correct what it knows better.
 * `reserved` is memory no one can be given (a guest's pages inside the area); only `dump` shows it.
 */
export interface WalkedBlock {
  ptr: Ptr;
  size: number;
  usable: number;
  state: BlockState | "reserved";
  tag: number;
  /** What a plugin has to say of the block besides; `dump` shows it at the line's end. */
  note?: string;
}

/** Byte counts of an allocator. `capacity = used + free + quarantined + overhead + page + pageFree`. */
export interface Totals {
  /** Bytes of the area. */
  capacity: number;
  /** Payloads of blocks in use, page runs not included. */
  used: number;
  /** Payloads of free chunks. */
  free: number;
  /** Payloads of blocks in quarantine. */
  quarantined: number;
  /** Chunk headers and memory that can be given to no one. */
  overhead: number;
  /** Page runs in use. */
  page: number;
  /** Freed page runs. */
  pageFree: number;
}

/** One broken invariant, as `check` reports it. */
export interface Finding {
  readonly code?: HeapErrorCode;
  readonly message: string;
  readonly ptr?: Ptr;
  /** What else the error made of it shall have: the block, the bytes, who was there. */
  readonly details?: HeapErrorDetails;
}

/**
 * The primitives. Everything else a heap offers is written once on top of them. Optional members that are
 * absent are unsupported; there are no stubs. Arguments have been checked by the heap: sizes are integers in
 * 1 … 2^32 - 1, alignments powers of two in 16 … 4096, pointers integers in 1 … 2^32 - 1. Whether a pointer
 * is a live block is the strategy's to decide, and it never trusts one.
 */
export interface Allocator {
  /** A block of at least `size` bytes, not initialised; 0 when exhausted, and then nothing has changed. */
  alloc(size: number, align: number, tag: number): Ptr;
  /** Ends a live block. Anything else throws `ERR_INVALID_POINTER` or `ERR_DOUBLE_FREE`. */
  free(ptr: Ptr): void;
  /** Makes a live block hold `size` bytes without moving it, or returns false and changes nothing. */
  resize(ptr: Ptr, size: number): boolean;
  /** Bytes the holder of a live block may use. Changes only through `resize` and `realloc`. */
  usableSize(ptr: Ptr): number;
  /** Bytes a live block takes from the area: header, slack and every layer's overhead included. */
  takenSize(ptr: Ptr): number;
  /** The usable size a request of `size` bytes is rounded up to. */
  goodSize(size: number): number;
  /** Range test: does `ptr` lie in this allocator's area? */
  owns(ptr: Ptr): boolean;
  /**
   * Resizes in place if `ptr` has the alignment and the room, else moves the content to a new block.
   * 0 when exhausted, and then the old block is untouched. `tag` 0 keeps the tag. A layer that brings none gets
   * one made of its own `resize`, `alloc` and `free`.
   */
  realloc?(ptr: Ptr, size: number, align: number, tag: number): Ptr;
  /**
   * Only where the capability `free` is "last": address of the live block with the highest address below `below`, 0 if there is none. The
   * heap lets its user free no other one; layers, which move blocks and hold them back, may end any through `free`.
   */
  last?(below: Ptr): Ptr;
  /** Tag of a live block, 0 if it has none. Without it no tags are kept, or a `realloc` made for a layer above loses them. */
  tagOf?(ptr: Ptr): number;
  /** Ends every block at once. */
  reset?(): void;
  /** A number that stands for now. */
  mark?(): number;
  /** Ends every block made since `mark()` gave that number. Throws `ERR_INVALID_OPTION` for one that cannot be such a moment. */
  release?(mark: number): void;
  /** Throws what `release` of this mark would throw, and changes nothing: for who has to do something else before. */
  releasable?(mark: number): void;
  /** Visits every block in address order. */
  walk?(visit: (block: WalkedBlock) => void): void;
  /** Verifies every invariant and reports each that is broken. */
  check?(report: (finding: Finding) => void): void;
  /** Adds this allocator's byte counts to `into`; O(1). Without it the heap counts by walking. */
  totals?(into: Totals): void;
  /** Payload bytes of the largest free chunk, 0 if there is none. Without it whoever wants to know walks. Changes nothing. */
  largestFree?(): number;
  /**
   * After an agent has ended inside an operation: makes anew what can be derived from what was committed, and ends the block that was made
   * and handed out to nobody. A layer calls the inner one's first. Without it the heap cannot be recovered.
   */
  recover?(interrupted: Interrupted): void;
  /**
   * How many bytes the area must grow by so that the request succeeds, when the new space begins `gap` bytes
   * after the area's end; -1 if no growth helps. Only asked after `alloc` returned 0.
   */
  growthFor?(size: number, align: number, gap: number): number;
  /** Takes over `[gapEnd, end)`; `[old area end, gapEnd)` belongs to somebody else and is left alone. */
  extend?(gapEnd: number, end: number): void;
}

/** What an agent that ended inside was doing. */
export type Operation = "none" | "alloc" | "free" | "resize" | "realloc" | "other";

/** What the journal has of an agent that ended inside. */
export interface Interrupted {
  readonly operation: Operation;
  /** Block it was asked for, 0 if it makes one. */
  readonly ptr: Ptr;
  /** Size and tag as asked for, 0 for a call that names none. */
  readonly size: number;
  readonly tag: number;
  /** The word at `Context.made`: what was written there before a block was made that was handed out to nobody. 0: there is none. */
  readonly made: number;
  /** With a front: the shard the agent had, -1 if none. */
  readonly shard?: number;
}

/** What an allocator can do; the heap shows it as `heap.capabilities`. */
export interface Capabilities {
  /** Which blocks can be freed on their own. */
  readonly free: "any" | "last" | "none";
  /** Misuse that is always found, at the call that commits it. */
  readonly detects: readonly ("double-free" | "foreign" | "interior" | "unaligned" | "forged")[];
  /** Several agents may have the heap attached at once. */
  readonly shared: boolean;
  /** The area can grow. */
  readonly grow: boolean;
  readonly reset: boolean;
  readonly marks: boolean;
  /** Largest alignment that can be asked for. */
  readonly maxAlign: number;
}

/** The value of an option that affects bytes. */
export type OptionValue = string | number | boolean;
export type Options = { readonly [name: string]: OptionValue };

/** A plugin's request for header words of every block. */
export interface SlotRequest {
  readonly name: string;
  /** 32-bit words, one after the other; default 1. Only where no slot of the stack is a single word, the first may stand apart. */
  readonly words?: number;
  /** The words must end where the payload begins. Page runs have no such words. */
  readonly adjoins?: boolean;
}

/** The header slots of one plugin, by name. In a block just made they hold anything: write them in `alloc`. */
export interface Slot {
  /** Byte address of the slot's first word for this live block; 0 where the block has none. */
  address(ptr: Ptr): number;
  /** First word as an unsigned integer. */
  read(ptr: Ptr): number;
  write(ptr: Ptr, value: number): void;
}

/** Where the words of a chunk header are; the same for every agent. See `layout.ts`. */
export interface Layout {
  /** Bytes of the header: a multiple of 16, of 4 if it is packed. */
  readonly headerBytes: number;
  /** Byte offset from the chunk's start of a field the strategy declared. */
  field(name: string): number;
  /** Slot words of blocks that have no chunk header: how many, for the strategy's side table. */
  readonly sideWords: number;
  /** Canonical text that names every word; heaps whose texts differ cannot be attached to each other. */
  readonly fingerprint: string;
  /**
   * The layout of the blocks of another strategy in the same stack: for strategies made of strategies. Slots are as far from the payload as in
   * every layout without the place `"*"`, so plugins find them whosever the block is.
   */
  part(strategy: Pick<Strategy, "fields" | "packed">): Layout;
}

/** The part of a heap that strategies and plugins see. Byte addresses, valid for this agent's lifetime. */
export interface Region {
  /** First byte of the heap header; a multiple of 64. */
  readonly base: number;
  /** First byte of the area; a multiple of 64. */
  readonly areaStart: number;
  /** End of the area. Replaced on growth: read again after a refresh. */
  readonly areaEnd: number;
  /** End the area can grow to; side tables are sized for it. */
  readonly areaMax: number;
}

/** What core hands to `create` of a strategy or plugin, once per agent. */
export interface Context {
  /** Views on the buffer. After a refresh they are new ones: see `onRefresh`. */
  readonly memory: Memory;
  readonly region: Region;
  /** Byte address of the `stateBytes` asked for: zeroed when the heap is made, 64-aligned, kept for ever. */
  readonly state: number;
  readonly layout: Layout;
  /** Options that affect bytes: the explicit ones over the defaults, or as the attached heap has them. */
  readonly options: Options;
  /** This agent's id, 1 …; unique among the agents of one heap. */
  readonly agent: number;
  /** Name of the heap, for reports. */
  readonly heapName: string;
  /** True for the agent that makes the heap: state and area are to be set up. */
  readonly fresh: boolean;
  /** Every plugin of the stack by name, with its settled options: the same for all agents, as the manifest has it. */
  readonly plugins: ReadonlyMap<string, Options>;
  /** The words this plugin reserved under `name`. */
  slot(name: string): Slot;
  /** Makes a `HeapError`; the caller throws it. */
  error(code: HeapErrorCode, message: string, details?: HeapErrorDetails): Error;
  /** Called when views or the area's end were replaced: take them from `memory` and `region` again. */
  onRefresh(refresh: () => void): void;
  /**
   * For members of an API, which no entry point of the heap precedes: takes fresh views if somebody has replaced the buffer
   * or grown the heap. Throws `ERR_DETACHED_HEAP` where that is over.
   */
  sync(): void;
  /**
   * For members of an API that walk the heap or call primitives: does the work with fresh views and the lock held, as the
   * heap's own entry points do. What it needs is O(1) besides the work. Throws what `sync`, the lock and the work throw.
   */
  exclusive<Result>(work: () => Result): Result;
  /**
   * For members of an API that only read what other agents may be changing: the result is of one moment at which nobody was
   * inside, and nobody was held up. `read` runs again where somebody was meanwhile, and in the end, where the heap is never quiet,
   * with the lock held; so it changes nothing and stays short. Throws what `sync`, the lock and the last `read` throw.
   */
  observe<Result>(read: () => Result): Result;
  /**
   * The outermost primitives, the lock among them: for members of an API that make or end blocks, so that every layer sees it. There once the
   * heap is complete; call `sync` first.
   */
  outermost(): Allocator;
  /** Name of a tag, where a plugin of the stack keeps names; undefined for tags it does not know. */
  tagName(tag: number): string | undefined;
  /**
   * Where there is a front, calls of several agents run at the same time, and what a layer above it counts it keeps in shards: this agent's is
   * number `shard` of `shards`, its own while it has the heap attached. Without a front there is one, and it is everybody's.
   */
  readonly shard: number;
  readonly shards: number;
  /**
   * Index of a 32-bit word. Who makes blocks, the strategy or a front, writes there before the store that commits one: anything but 0 by which
   * `recover` can tell it. It is 0 again when the block has been handed out, which whoever stands above sees to.
   */
  readonly made: number;
  /** For the plugin of phase `front` only. */
  readonly front: FrontSite | undefined;
}

/** What stands between a front and the strategy. */
export interface FrontSite {
  /** Takes the heap's lock, as the primitives below do by themselves: recursive. */
  enter(): void;
  leave(): void;
  /**
   * The block that the strategy made last is on record: the last store of whatever asked for it, with the lock still held. Should this agent end
   * before, the strategy's own `recover` takes it back.
   */
  handedOut(): void;
  /** Index of the word of an agent's journal that a front writes what it is about to make into, by its shard. */
  madeBy(shard: number): number;
  /**
   * Before a request is answered as exhausted: returns where all others stand still, and what they hold can be taken. Else throws, through all
   * layers, and the call is made again while they do. With nothing changed yet.
   */
  standStill(): void;
  /** Agent that has a shard; 0: nobody. */
  agentOf(shard: number): number;
}

/** What a layer stands on: primitives whose `realloc` is always there. */
export type Inner = Allocator & Required<Pick<Allocator, "realloc">>;

/** What `stateBytes` may depend on. */
export interface StateSize {
  /** Bytes the region can reach; an upper bound of the area. */
  readonly regionBytes: number;
  readonly layout: Layout;
  readonly options: Options;
  /** See `Context`. */
  readonly shards: number;
}

/** Owns the area: places, splits, merges, validates. */
export interface Strategy<Name extends string = string, Api = unknown> {
  readonly abi: 1;
  readonly name: Name;
  /** Names the on-memory format; any change of bytes changes it. */
  readonly version: number;
  /** Header fields in order; `"*"` keeps the place of the first plugin slot. Empty: blocks have no header. */
  readonly fields: readonly string[];
  /**
   * Headers have no filling: 4 bytes a word, so that payloads are 16-aligned only where the strategy puts chunks so. Default: filled up to a
   * multiple of 16.
   */
  readonly packed?: boolean;
  /**
   * For a strategy that computes with addresses: a copy of the heap keeps its base modulo this many bytes, a power of two up to 4096. Default
   * 16; larger alignments that were granted to users count by themselves.
   */
  readonly alignment?: number;
  readonly stateBytes: number | ((size: StateSize) => number);
  readonly capabilities: Capabilities;
  /** Options that affect bytes and were given explicitly. */
  readonly options?: Options;
  /** All options that affect bytes, with their defaults. */
  readonly defaults?: Options;
  create(ctx: Context): StrategyInstance<Api>;
}

export interface StrategyInstance<Api = unknown> {
  readonly allocator: Allocator;
  readonly api: Api;
  /**
   * Address of side word `index` of a block without chunk header, 0 if it has no such word (index -1: an adjoining slot);
   * -1 if the block at `ptr` has a chunk header, where the slot is then.
   */
  sideSlot?(ptr: Ptr, index: number): number;
}

/** Where a layer stands, outermost first. */
export type Phase = "trace" | "inject" | "limit" | "account" | "guard" | "front";

/** One layer above a strategy. */
export interface Plugin<Name extends string = string, Api = unknown> {
  readonly abi: 1;
  readonly name: Name;
  readonly version: number;
  readonly phase: Phase;
  /** Order within the phase, lower is further out; default 0, ties go by name. */
  readonly rank?: number;
  /** May stand above the lock: shared state is per-agent shards, the block's own slots or single atomic words. */
  readonly concurrent?: boolean;
  /** Only of a front: how many agents can have the heap attached at the same time, 1 … 1024; default 16. */
  readonly shards?: (options: Options) => number;
  /** What the strategy must be able to do. A stack whose strategy cannot is refused. */
  readonly needs?: Partial<Pick<Capabilities, "free" | "maxAlign">>;
  readonly slots?:
    | readonly (string | SlotRequest)[]
    | ((options: Options) => readonly (string | SlotRequest)[]);
  readonly stateBytes?: number | ((size: StateSize) => number);
  readonly options?: Options;
  readonly defaults?: Options;
  /** Returns only the primitives it changes; the others are the inner ones themselves, at no cost. */
  create(inner: Inner, ctx: Context): PluginInstance<Api>;
}

export interface PluginInstance<Api = unknown> {
  readonly allocator?: Partial<Allocator>;
  readonly api: Api;
  /** For plugins that keep names of tags: what reports and `dump` call one. Undefined for tags it does not know; throws nothing. */
  tagName?(tag: number): string | undefined;
  /** This agent leaves the heap: what it holds is to be given back. Inside its gate, where there are gates. */
  leave?(): void;
  /**
   * Only of a front. The agent of a shard has ended while it held the lock: what it was asking of the strategy is brought to an end, the
   * strategy's own `recover` called with what is given here. With the lock held; other agents are in the midst of calls.
   */
  settle?(shard: number, interrupted: Interrupted): void;
}

/** How a lock was entered since the heap was made, by all agents together. Counts wrap at 2^32. */
export interface Contention {
  /** Enterings and takings over; a nested entering is none. */
  readonly entered: number;
  /** Enterings that did not get the lock at the first try. */
  readonly contended: number;
  /** Those of them that slept, or waited in `enterAsync`; counted as the wait begins. */
  readonly slept: number;
  /** Those of them that gave up: `ERR_LOCK_TIMEOUT`. */
  readonly timedOut: number;
}

/** Mutual exclusion of agents, recursive. A lock of your own needs the first three members. */
export interface Lock {
  enter(): void;
  tryEnter(): boolean;
  /** Throws where this agent is not inside, also because another one has taken the lock over; nothing is released then. */
  leave(): void;
  /** Milliseconds after which `enter` gives up; what `heap.enterAsync` takes for its own where none are given. */
  readonly timeoutMs?: number;
  /**
   * Like `enter`, but the thread goes on. Never recursive: what calls it sees to it that nobody of this agent is inside. Rejects with
   * `ERR_LOCK_TIMEOUT`. Without it `heap.enterAsync` tries again and again.
   */
  enterAsync?(timeoutMs: number): Promise<void>;
  /**
   * A number for the moment: the same one before and after means that nobody else was inside in between. -1 while somebody else is.
   * A lock that cannot tell has no such member.
   */
  stamp?(): number;
  /**
   * Enters, outermost, in place of an agent that has ended inside: true, and the lock is this agent's, if `holder` held it; false, and
   * nothing has changed, if it is free, somebody else's, or this agent is inside already. Of several that try, one gets it. The
   * caller answers for it that `holder` runs no more: what it was at is half done, and if it does run, its `leave` throws.
   */
  takeOver?(holder: number): boolean;
  /** Asked of an agent that was waited for in vain. True: it has ended, and the heap is to be recovered from it. Must not call the heap. */
  hasEnded?(agent: number): boolean;
  /** Told what was found then. */
  onRecovered?(report: RecoveryReport): void;
  /** Read without the lock, by anyone, at any time. A lock that does not count has no such member. */
  contention?(): Contention;
}

/** Words of the heap header a lock keeps its state in, and whom it speaks for. */
export interface LockSite {
  readonly memory: Memory;
  /** Byte address of 64 bytes in the heap header that belong to the lock. */
  readonly address: number;
  readonly agent: number;
  readonly heapName: string;
  error(code: HeapErrorCode, message: string, details?: HeapErrorDetails): Error;
  onRefresh(refresh: () => void): void;
  /**
   * Called before a lock gives up waiting for its holder. True: `hasEnded` said that the holder has ended, the lock has been taken from it and is
   * free again; it is to be tried anew.
   */
  recovered?(holder: number): boolean;
}

/** Makes the lock of one agent. The name is in the manifest: all agents use the same kind. */
export interface LockKind {
  readonly name: string;
  /** Undefined: no lock, and no layer for it. */
  create(site: LockSite): Lock | undefined;
}

export type { HeapErrorCode, HeapErrorDetails, Memory };
