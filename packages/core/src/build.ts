/**
 * The object a user holds, put together from the entry points, the helpers, the inspector and the plugins' APIs.
 *
 * A class with fields, not a literal with getters and spreads: those give an object in dictionary mode, whose every
 * `heap.alloc` is a hash lookup (3 ns).
 */
import type { Assembly } from "./assemble.js";
import { createEnterAsync } from "./enter-async.js";
import { isUint32, show } from "./errors.js";
import { LOCK_BYTES, LOCK_OFFSET } from "./header.js";
import { createEntry, type Entry } from "./heap.js";
import type { Heap, HeapDescriptor } from "./heap-types.js";
import { createHelpers } from "./helpers.js";
import { createInspector, type Inspector } from "./inspect.js";
import { recover, recoverEnded } from "./recover.js";
import type { Capabilities, Contention } from "./types.js";

interface Parts {
  readonly assembly: Assembly;
  readonly inspector: Inspector;
}
/** Not a private field: an object made with `Object.create(heap)` shall have a heap's getters, too. */
const PARTS = Symbol("heapwright.parts");

class ComposedHeap implements Heap {
  readonly alloc: Heap["alloc"];
  readonly allocUnsafe: Heap["allocUnsafe"];
  readonly free: Heap["free"];
  readonly realloc: Heap["realloc"];
  readonly reallocUnsafe: Heap["reallocUnsafe"];
  readonly usableSize: Heap["usableSize"];
  readonly takenSize: Heap["takenSize"];
  readonly goodSize: Heap["goodSize"];
  readonly owns: Heap["owns"];
  readonly detach: Heap["detach"];
  readonly blocks: Heap["blocks"];
  readonly check: Heap["check"];
  readonly dump: Heap["dump"];
  readonly dup: Heap["dup"];
  readonly allocArray: Heap["allocArray"];
  readonly reallocArray: Heap["reallocArray"];
  readonly column: Heap["column"];
  readonly read: Heap["read"];
  readonly string: Heap["string"];
  readonly text: Heap["text"];
  readonly scoped: Heap["scoped"];
  readonly toOffset: Heap["toOffset"];
  readonly toPtr: Heap["toPtr"];
  readonly snapshot: Heap["snapshot"];
  readonly grow: Heap["grow"];
  readonly descriptor: Heap["descriptor"];
  readonly recover: Heap["recover"];
  readonly enterAsync: Heap["enterAsync"];
  readonly name: string;
  readonly agent: number;
  readonly memory: Heap["memory"];
  readonly capabilities: Capabilities;
  declare readonly [PARTS]: Parts;

  constructor(assembly: Assembly, entry: Entry, inspector: Inspector) {
    const helpers = createHelpers(assembly, entry);
    this.alloc = entry.alloc;
    this.allocUnsafe = entry.allocUnsafe;
    this.free = entry.free;
    this.realloc = entry.realloc;
    this.reallocUnsafe = entry.reallocUnsafe;
    this.usableSize = entry.usableSize;
    this.takenSize = entry.takenSize;
    this.goodSize = entry.goodSize;
    this.owns = entry.owns;
    this.detach = entry.detach;
    this.blocks = inspector.blocks;
    this.check = inspector.check;
    this.dump = inspector.dump;
    this.dup = helpers.dup;
    this.allocArray = helpers.allocArray;
    this.reallocArray = helpers.reallocArray;
    this.column = helpers.column;
    this.read = helpers.read;
    this.string = helpers.string;
    this.text = helpers.text;
    this.scoped = helpers.scoped;
    this.toOffset = helpers.toOffset;
    this.toPtr = helpers.toPtr;
    this.snapshot = () => snapshot(assembly);
    this.grow = (bytes) => grow(assembly, bytes);
    this.descriptor = () => describe(assembly);
    this.recover = (agent) => recover(assembly, agent, inspector.check);
    this.enterAsync = createEnterAsync(assembly);
    this.name = assembly.name;
    this.agent = assembly.agent;
    this.memory = assembly.memory;
    this.capabilities = capabilitiesOf(assembly);
    Object.defineProperty(this, PARTS, { value: { assembly, inspector } });
  }

  get region(): Heap["region"] {
    const { assembly } = this[PARTS];
    assembly.sync();
    const { base, areaStart, areaEnd } = assembly.region;
    return { base, bytes: areaEnd - base, areaStart, areaEnd };
  }
  get contention(): Contention {
    const { sync, lock } = this[PARTS].assembly;
    sync();
    return lock?.contention?.() ?? { entered: 0, contended: 0, slept: 0, timedOut: 0 };
  }
  get capacity(): number {
    return this[PARTS].inspector.totals().capacity;
  }
  get usedBytes(): number {
    return this[PARTS].inspector.totals().used;
  }
  get freeBytes(): number {
    return this[PARTS].inspector.totals().free;
  }
  get quarantinedBytes(): number {
    return this[PARTS].inspector.totals().quarantined;
  }
  get overheadBytes(): number {
    return this[PARTS].inspector.totals().overhead;
  }
  get pageBytes(): number {
    return this[PARTS].inspector.totals().page;
  }
  get pageFreeBytes(): number {
    return this[PARTS].inspector.totals().pageFree;
  }
}

export function buildHeap(assembly: Assembly): Heap {
  const entry = createEntry(assembly);
  const inspector = createInspector(assembly);
  const heap = new ComposedHeap(assembly, entry, inspector);
  assembly.recoverEnded = (agent, inside) => recoverEnded(assembly, agent, inside, inspector.check);
  const { reset } = assembly.allocator;
  if (reset !== undefined) {
    const checked = (): void => {
      assembly.sync();
      reset();
    };
    Object.defineProperty(heap, "reset", { enumerable: true, value: checked });
  }
  for (const [owner, api] of assembly.apis) {
    Object.defineProperty(heap, owner, { enumerable: true, value: api });
  }
  return heap;
}

function capabilitiesOf({ stack, strategy, region }: Assembly): Capabilities {
  const declared = stack.strategy.capabilities;
  const hasRoom = region.areaMax > region.areaEnd;
  return Object.freeze({ ...declared, grow: declared.grow && strategy.extend !== undefined && hasRoom });
}

function snapshot({ memory, region, exclusive }: Assembly): Uint8Array<ArrayBuffer> {
  return exclusive(() => {
    const copy = new Uint8Array(region.areaEnd - region.base);
    copy.set(memory.u8.subarray(region.base, region.areaEnd));
    // Who holds the lock, and how often it was taken, is no part of the heap: the copy's is free.
    copy.fill(0, LOCK_OFFSET, LOCK_OFFSET + LOCK_BYTES);
    return copy;
  });
}

function grow({ own, lock, growth, error, sync }: Assembly, bytes: number): boolean {
  if (!isUint32(bytes) || bytes === 0) {
    throw error("ERR_INVALID_SIZE", `bytes must be an integer in 1 … 2^32 - 1, not ${show(bytes)}`);
  }
  sync();
  own?.enter();
  try {
    lock?.enter();
    try {
      return growth.grow(bytes);
    } finally {
      lock?.leave();
    }
  } finally {
    own?.leave();
  }
}

function describe({ name, region, memory, sync }: Assembly): HeapDescriptor {
  sync();
  return { heapwright: 1, name, base: region.base, memory: memory.source };
}
