/**
 * What a user sees of a channel.
 */
import type { Ptr, Tag } from "./types.js";

export interface ChannelOptions {
  /** Makes a channel for at least so many messages, 1 … 2^20, rounded up to a power of two. Costs 192 bytes and 32 a slot. */
  readonly slots?: number;
  /** Joins the channel at this offset, which is another agent's `at`. */
  readonly at?: number;
  /** Tag of the channel's own block, where a plugin keeps tags. */
  readonly tag?: Tag | 0;
  /**
   * Default true: sending asks the heap whether the pointer is a live block, which takes the heap's lock for a moment. False: it must lie in the
   * heap and be 16-aligned, and the rest is the sender's word. No call but `free` then takes a lock.
   */
  readonly validate?: boolean;
}

export interface WaitOptions {
  /** Milliseconds until `ERR_LOCK_TIMEOUT`, 0 or above; default `Infinity`. */
  readonly timeoutMs?: number;
}

/** A block on its way. */
export interface Message {
  /** The block, at the address it has for this agent. */
  readonly ptr: Ptr;
  /** Bytes of it that count, as the sender said; 0 … usable size. */
  readonly length: number;
  /** What the sender said of it, 0 … 2^32 - 1. Not a tag of the heap. */
  readonly tag: number;
  /** The sender's agent id. */
  readonly from: number;
}

/** What an agent that ended inside a call has left. The blocks are the caller's: to be freed, or sent again. */
export interface Recovered {
  /** It was sending these, and nobody has received them. */
  readonly sending: readonly Message[];
  /** It was receiving these, and its program has not seen them. */
  readonly receiving: readonly Message[];
}

/**
 * A bounded queue of blocks between agents, first in, first out; what one agent sends in turn is received in that order.
 *
 * **Who owns a block.** The sender, until a send returns; if it throws or returns false, still the sender. Then the queue. After a receive
 * has returned it the receiver, who frees it or sends it on. What is left in a channel is freed by `free`. Nobody touches a block he does not own.
 *
 * Every member but `at` and `slots` throws `ERR_INVALID_POINTER` after `free`, and `ERR_DETACHED_HEAP` when this agent has left the heap.
 */
export interface Channel {
  /** Offset of the channel's block from the heap's base: what another agent needs to join, with the heap's descriptor. */
  readonly at: number;
  /** How many messages it holds. */
  readonly slots: number;
  /** Messages in it, those being sent included. Of the moment: others go on. O(1). */
  readonly count: number;
  /** Has somebody closed it? */
  readonly closed: boolean;
  /**
   * Sends a block if there is room. O(1).
   * @param length Bytes, 0 … `usableSize(ptr)`.
   * @param tag The user's own number, 0 … 2^32 - 1; default 0.
   * @returns False if the channel is full, and then nothing has changed.
   * @throws HeapError `ERR_INVALID_POINTER`, `ERR_DOUBLE_FREE` (no live block), `ERR_INVALID_SIZE`, `ERR_INVALID_OPTION` (tag), `ERR_UNSUPPORTED`
   * when the channel is closed. Nothing has changed then.
   */
  trySend(ptr: Ptr, length: number, tag?: number): boolean;
  /**
   * Sends a block, and sleeps while the channel is full.
   * @throws HeapError as `trySend`; `ERR_LOCK_TIMEOUT`, naming the agents that are inside a call; `ERR_UNSUPPORTED` where it would have to wait and
   * cannot: on memory that is not shared, and on a browser's main thread.
   */
  send(ptr: Ptr, length: number, tag?: number, options?: WaitOptions): void;
  /** Like `send`, without stopping the thread. The order of two that wait at the same time is open. */
  sendAsync(ptr: Ptr, length: number, tag?: number, options?: WaitOptions): Promise<void>;
  /** The next message if there is one; undefined also at the end. O(1). */
  tryReceive(): Message | undefined;
  /**
   * The next message; sleeps until there is one.
   * @returns Undefined when the channel is closed and nothing is left in it.
   * @throws HeapError `ERR_LOCK_TIMEOUT` and `ERR_UNSUPPORTED` as `send`; `ERR_HEAP_CORRUPT` if the entry names no place in the heap.
   */
  receive(options?: WaitOptions): Message | undefined;
  /** Like `receive`, without stopping the thread. */
  receiveAsync(options?: WaitOptions): Promise<Message | undefined>;
  /** Messages until the end: `for await (const message of channel)`. Each is the loop's to free. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message>;
  /** Nobody can send any more, and those who wait are woken; what is in it can still be received. Once is enough. */
  close(): void;
  /**
   * Lets go what an agent held inside a call of this channel. The caller states that the agent has ended: a call of it that goes on
   * would write into slots of others. Not even a timeout says that. Wakes everybody who waits. O(slots).
   *
   * What it had sent stays sent. A block it had claimed a slot for and not yet named in it, or had received, is one of those that it owned.
   * @throws HeapError `ERR_INVALID_OPTION` for an id that is none, or this agent's own.
   */
  recover(agent: number): Recovered;
  /**
   * Closes the channel, frees the blocks left in it and then its own. For the last who uses it: others must have seen the end before.
   * Does nothing the second time.
   * @throws HeapError `ERR_UNSUPPORTED` if an agent is inside a call; the channel is closed then, and all else as it was.
   */
  free(): void;
}
