/**
 * `channel`: a bounded queue inside the heap that hands blocks from agent to agent without copying them.
 *
 *     sender                        the channel's block                       receiver
 *     alloc, write, send ─────────► offset, length, tag, from ──────────────► receive, read, free
 *     └─── owns the block ───┘      └── the queue owns it ──┘                 └── owns the block ──┘
 *
 * The queue is one block of the heap, 192 bytes and 32 a slot, so it counts in `blocks()`, is in every snapshot and is named by an offset.
 * What is in it, and why no lock is needed: channel-words.ts and channel-ring.ts. This file checks arguments and makes the object.
 */
import { BUSY, CLOSED, createRing, type Entry, formatRing, type Ring } from "./channel-ring.js";
import type { Channel, ChannelOptions, Message, Recovered, WaitOptions } from "./channel-types.js";
import { type Waiting, waitFor, waitForAsync } from "./channel-wait.js";
import { CHANNEL, channelBytes, MAGIC, MAX_AGENT, MAX_SLOTS, VERSION } from "./channel-words.js";
import { HeapError, type HeapErrorCode, isUint32, show } from "./errors.js";
import type { Heap } from "./heap-types.js";
import { checkKeys } from "./options.js";

/** A cache line: senders, receivers and slots do not share one. */
const ALIGN = 64;

/**
 * Makes a channel in a new block of the heap, or joins one that another agent made.
 *
 * @param options `{ slots }` makes one, `{ at }` joins the one at that offset.
 * @throws HeapError `ERR_INVALID_OPTION`, `ERR_OUT_OF_MEMORY`, `ERR_INVALID_POINTER` if there is no channel at `at`, `ERR_UNSUPPORTED` for an
 * agent whose id is above 2^26 - 1.
 * @example
 * ```ts
 * const jobs = channel(heap, { slots: 64 });
 * const block = heap.alloc(10);
 * jobs.send(block, 10, 7); // it is the queue's now
 * const job = jobs.receive(); // and now the receiver's
 * if (job !== undefined) heap.free(job.ptr);
 * ```
 */
export function channel(heap: Heap, options: ChannelOptions): Channel {
  checkKeys("channel", options, ["slots", "at", "tag", "validate"]);
  const { validate = true } = options;
  if (typeof validate !== "boolean") {
    throw wrong(heap, "ERR_INVALID_OPTION", `channel: validate must be true or false, not ${show(validate)}`);
  }
  if (heap.agent > MAX_AGENT) {
    throw wrong(heap, "ERR_UNSUPPORTED", `channel: agent ids go up to ${MAX_AGENT}, this is ${heap.agent}`);
  }
  if ((options.slots === undefined) === (options.at === undefined)) {
    throw wrong(heap, "ERR_INVALID_OPTION", "channel: either slots, to make one, or at, to join one");
  }
  const block = options.at === undefined ? make(heap, options) : find(heap, options.at);
  const slots = heap.memory.i32[(block >>> 2) + CHANNEL.slots];
  return build(heap, block, createRing(block >>> 2, slots, heap.agent), validate);
}

function wrong(heap: Heap, code: HeapErrorCode, message: string, hint?: string): HeapError {
  return new HeapError(code, message, { heap: heap.name, ...(hint !== undefined && { hint }) });
}

function make(heap: Heap, { slots, tag }: ChannelOptions): number {
  if (!isUint32(slots) || slots === 0 || slots > MAX_SLOTS) {
    throw wrong(
      heap,
      "ERR_INVALID_OPTION",
      `channel: slots must be an integer in 1 … 2^20, not ${show(slots)}`,
    );
  }
  const rounded = 2 ** Math.ceil(Math.log2(slots));
  const bytes = channelBytes(rounded);
  const block = heap.alloc(bytes, ALIGN, tag ?? 0);
  if (block === 0) throw wrong(heap, "ERR_OUT_OF_MEMORY", `no room for a channel of ${bytes} bytes`);
  formatRing(heap.memory.i32, block >>> 2, rounded, MAGIC, VERSION);
  return block;
}

/** The block at an offset, if it is a channel. */
function find(heap: Heap, at: unknown): number {
  const no = (why: string): HeapError =>
    wrong(heap, "ERR_INVALID_POINTER", `no channel at offset ${show(at)}: ${why}`);
  const block = heap.toPtr(at as number);
  const usable = heap.usableSize(block);
  const first = block >>> 2;
  const words = heap.memory.i32;
  if (usable < channelBytes(1) || Atomics.load(words, first + CHANNEL.magic) !== MAGIC) {
    throw no("the block is something else");
  }
  const version = words[first + CHANNEL.version];
  if (version !== VERSION) throw no(`it is of version ${version}, not ${VERSION}`);
  const slots = words[first + CHANNEL.slots] >>> 0;
  if (slots === 0 || slots > MAX_SLOTS || (slots & (slots - 1)) !== 0 || channelBytes(slots) > usable) {
    throw no(`it cannot have ${slots} slots`);
  }
  return block;
}

function build(heap: Heap, block: number, ring: Ring, validate: boolean): Channel {
  const { base } = heap.region;
  const at = block - base;
  let freed = false;

  const error = (code: HeapErrorCode, message: string, hint?: string): HeapError =>
    wrong(heap, code, `channel at offset ${at}: ${message}`, hint);

  function words(): Int32Array {
    if (freed) throw error("ERR_INVALID_POINTER", "it has been freed");
    // Takes fresh views if the heap has grown, and throws if this agent has left.
    heap.owns(block);
    return heap.memory.i32;
  }

  const waiting: Waiting = {
    ring,
    words,
    checkCanWait() {
      if (heap.memory.shared) return;
      const hint = "use trySend and tryReceive, or a heap on shared memory";
      throw error("ERR_UNSUPPORTED", "the memory is not shared, so nobody could ever end this wait", hint);
    },
    timedOut(side, milliseconds) {
      const what = side === "room" ? "no slot was free" : "nothing came";
      const inside = ring.claimants(words());
      const agents = inside.length === 0 ? "" : `; inside: agent ${inside.join(", agent ")}`;
      const hint =
        inside.length === 0 ? undefined : "if one of these agents has ended, recover(agent) lets go";
      return error("ERR_LOCK_TIMEOUT", `${what} in ${milliseconds} ms${agents}`, hint);
    },
    mayNotSleep(cause) {
      return new HeapError("ERR_UNSUPPORTED", `channel at offset ${at}: this thread may not sleep`, {
        heap: heap.name,
        hint: "use sendAsync and receiveAsync",
        cause,
      });
    },
  };

  function checkEntry(ptr: number, length: number, tag: number): void {
    if (!isUint32(ptr) || !heap.owns(ptr) || ptr === block || ptr % 16 !== 0) {
      const why = ptr === block ? "is the channel itself" : "is no block of this heap";
      throw error("ERR_INVALID_POINTER", `${show(ptr)} ${why}`);
    }
    const usable = validate ? heap.usableSize(ptr) : heap.region.areaEnd - ptr;
    if (!isUint32(length) || length > usable) {
      throw error("ERR_INVALID_SIZE", `length must be an integer in 0 … ${usable}, not ${show(length)}`);
    }
    if (!isUint32(tag)) {
      throw error("ERR_INVALID_OPTION", `tag must be an integer in 0 … 2^32 - 1, not ${show(tag)}`);
    }
  }

  function timeoutOf(options: WaitOptions | undefined): number {
    if (options === undefined) return Number.POSITIVE_INFINITY;
    checkKeys("channel", options, ["timeoutMs"]);
    const { timeoutMs = Number.POSITIVE_INFINITY } = options;
    if (typeof timeoutMs === "number" && timeoutMs >= 0) return timeoutMs;
    throw error("ERR_INVALID_OPTION", `timeoutMs must be 0 or above, not ${show(timeoutMs)}`);
  }

  /** 0 when sent, BUSY when full. */
  function attemptSend(ptr: number, length: number, tag: number): number {
    const outcome = ring.send(words(), ptr - base, length, tag);
    if (outcome !== CLOSED) return outcome;
    throw error("ERR_UNSUPPORTED", "it is closed and takes nothing more", "the block is still yours");
  }

  function toMessage({ offset, length, tag, from }: Entry): Message {
    const ptr = base + offset;
    // Also takes fresh views: the block may lie where another agent has grown the heap.
    if (!heap.owns(ptr) || ptr + length > heap.region.areaEnd) {
      throw error("ERR_HEAP_CORRUPT", `an entry names ${length} bytes at offset ${offset}, outside the heap`);
    }
    return { ptr, length, tag, from };
  }

  /** A message, BUSY when there is none, undefined at the end. */
  function attemptReceive(): Message | typeof BUSY | undefined {
    const outcome = ring.receive(words());
    if (outcome === BUSY) return BUSY;
    return outcome === CLOSED ? undefined : toMessage(outcome);
  }

  async function* messages(): AsyncGenerator<Message, void, undefined> {
    for (;;) {
      const message = await waitForAsync(waiting, "items", Number.POSITIVE_INFINITY, attemptReceive);
      if (message === undefined) return;
      yield message;
    }
  }

  return {
    at,
    slots: ring.slots,
    get count() {
      return ring.count(words());
    },
    get closed() {
      return ring.isClosed(words());
    },
    trySend(ptr, length, tag = 0) {
      words();
      checkEntry(ptr, length, tag);
      return attemptSend(ptr, length, tag) !== BUSY;
    },
    send(ptr, length, tag = 0, options) {
      words();
      checkEntry(ptr, length, tag);
      waitFor(waiting, "room", timeoutOf(options), () => attemptSend(ptr, length, tag));
    },
    async sendAsync(ptr, length, tag = 0, options) {
      words();
      checkEntry(ptr, length, tag);
      await waitForAsync(waiting, "room", timeoutOf(options), () => attemptSend(ptr, length, tag));
    },
    tryReceive() {
      const message = attemptReceive();
      return message === BUSY ? undefined : message;
    },
    receive: (options) => waitFor(waiting, "items", timeoutOf(options), attemptReceive),
    receiveAsync: async (options) => waitForAsync(waiting, "items", timeoutOf(options), attemptReceive),
    [Symbol.asyncIterator]: messages,
    close() {
      ring.close(words());
    },
    recover(agent): Recovered {
      if (!isUint32(agent) || agent === 0 || agent === heap.agent) {
        const which = agent === heap.agent ? "this agent, which is alive" : show(agent);
        throw error(
          "ERR_INVALID_OPTION",
          `recover: agent must be the id of another one that has ended, not ${which}`,
        );
      }
      const { sending, receiving } = ring.recover(words(), agent);
      return { sending: sending.map(toMessage), receiving: receiving.map(toMessage) };
    },
    free() {
      if (freed) return;
      ring.close(words());
      const inside = ring.claimants(words());
      if (inside.length > 0) {
        const hint = "let them see the end, or recover(agent) those that have ended";
        throw error("ERR_UNSUPPORTED", `agent ${inside.join(", agent ")} is inside`, hint);
      }
      for (;;) {
        const message = attemptReceive();
        if (message === BUSY || message === undefined) break;
        heap.free(message.ptr);
      }
      Atomics.store(words(), (block >>> 2) + CHANNEL.magic, 0);
      freed = true;
      heap.free(block);
    },
  };
}
