/** Blocks in other agents' hands: freed by them, freed twice, left behind, and given back before an agent has to say that there is no more. */
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type Agent,
  another,
  fill,
  findings,
  first,
  largest,
  outcome,
  padded,
  spansOf,
} from "../fixtures/front-world.js";
import type { Heap } from "../index.js";

afterEach(() => vi.restoreAllMocks());

const allocate = (heap: Heap, count: number, size: number): number[] =>
  Array.from({ length: count }, () => heap.alloc(size));

/** Does something at the moment another agent's block is about to be marked as freed. */
function beforeMark(work: () => void): void {
  const real = Atomics.or;
  vi.spyOn(Atomics, "or").mockImplementationOnce(((...args: Parameters<typeof real>) => {
    work();
    return real(...args);
  }) as typeof real);
}

describe("blocks that another agent frees", () => {
  it("are used again by the owner: 100,000 of them in a few spans", () => {
    const producer = first();
    const consumer = another(producer);
    const queue: number[] = [];
    let [most, spans] = [0, 0];
    for (let block = 0; block < 100_000; block++) {
      queue.push(producer.heap.allocUnsafe(1 + (block % 200)));
      if (queue.length > 300) consumer.heap.free(queue.shift() as number);
      if (block % 500 !== 0) continue;
      spans = spansOf(producer);
      if (block === 5000) most = spans;
      if (block > 5000) expect(spans).toBeLessThanOrEqual(most);
    }
    expect(most).toBeLessThan(25);
    for (const ptr of queue) consumer.heap.free(ptr);
    expect(findings(producer.heap)).toBe("");
    expect(producer.heap.usedBytes).toBe(0);
  });

  it("go round three agents, each freeing the blocks of the one before", () => {
    const one = first();
    const agents = [one, another(one), another(one)];
    const held: number[][] = [[], [], []];
    const spans: number[] = [];
    for (let round = 0; round < 300; round++) {
      for (const [index, { heap }] of agents.entries()) {
        const from = held[(index + 2) % 3] as number[];
        for (const ptr of from.splice(0)) heap.free(ptr);
        held[index] = allocate(heap, 40, 100);
      }
      spans.push(spansOf(one));
    }
    expect(spans.at(-1)).toBe(spans[2]);
    expect(findings(one.heap)).toBe("");
  });
});

describe("a block freed twice", () => {
  const DOUBLE = "ERR_DOUBLE_FREE";
  const INVALID = "ERR_INVALID_POINTER";
  const calls = ({ heap }: Agent): ((ptr: number) => unknown)[] => [
    heap.free,
    heap.usableSize,
    heap.takenSize,
    (ptr) => heap.realloc(ptr, 10),
    (ptr) => heap.reallocUnsafe(ptr, 10_000),
  ];
  const refusedBy = (agents: readonly Agent[], ptr: number, code: string): void => {
    for (const agent of agents)
      for (const call of calls(agent))
        expect(
          outcome(agent, () => call(ptr)),
          `${call}`,
        ).toBe(code);
  };
  const pair = (wanted = {}): Agent[] => {
    const memory = new SharedArrayBuffer(128 << 10);
    const one = first({ memory, ...wanted });
    return [one, another(one, wanted)];
  };

  it("by its owner, or by anybody after him", () => {
    const agents = pair();
    const [one] = agents as [Agent];
    const [, ptr] = allocate(one.heap, 3, 100);
    one.heap.free(ptr as number);
    refusedBy(agents, ptr as number, DOUBLE);
  });

  it("by another agent, before the owner has collected it and after", () => {
    const agents = pair();
    const [one, two] = agents as [Agent, Agent];
    const blocks = fill(one.heap, 100);
    const ptr = blocks[5] as number;
    two.heap.free(ptr);
    expect(one.cache.words[one.cache.shard]).not.toBe(0);
    refusedBy(agents, ptr, DOUBLE);
    two.heap.free(blocks[7] as number);
    expect(one.heap.alloc(100)).toBe(ptr);
    expect(one.cache.words[one.cache.shard]).toBe(0);
    refusedBy(agents, blocks[7] as number, DOUBLE);
    expect(findings(one.heap)).toBe("");
  });

  it("by two agents at the same moment is told by one of them, or by check()", () => {
    const [one, two] = pair() as [Agent, Agent];
    const third = another(one);
    const [ptr] = allocate(one.heap, 3, 100) as [number];
    beforeMark(() => third.heap.free(ptr));
    expect(outcome(two, () => two.heap.free(ptr))).toMatch(/^ERR_DOUBLE_FREE/);
    expect(findings(one.heap)).toBe("");
    // The owner frees it without looking at others' bits a second time.
    const [other] = allocate(one.heap, 3, 100) as [number];
    beforeMark(() => one.heap.free(other));
    two.heap.free(other);
    expect(findings(one.heap)).toMatch(/cells that are free and were freed/);
    expect(one.heap.alloc(1 << 20)).toBe(0);
    expect(findings(one.heap)).toMatch(/1 blocks were freed by two agents at the same moment/);
  });

  it.each([
    ["without headers", {}],
    ["with headers", { plugins: [padded()] }],
  ])("or what was never one is refused, with nothing changed; %s", (_, wanted) => {
    const agents = pair({ ...wanted, options: { spares: 0 } });
    const [one] = agents as [Agent];
    const { cache, heap } = one;
    const [live, freed] = allocate(heap, 3, 100) as [number, number];
    heap.free(freed);
    const start = live - cache.header;
    const stride = 112 + cache.header;
    for (const within of [1, 8, 16, 32, 96]) {
      refusedBy(agents, live + within, INVALID);
      refusedBy(agents, freed + within, within % 16 === 0 ? DOUBLE : INVALID);
    }
    if (cache.header > 0)
      for (const ptr of [start, live + stride - 16, freed - 16]) refusedBy(agents, ptr, INVALID);
    // Behind the last cell of a span.
    const rest = start + Math.floor(4096 / stride) * stride;
    for (let ptr = rest; ptr < start + 4096; ptr += 16) refusedBy(agents, ptr, INVALID);
    expect(findings(heap)).toBe("");
  });

  it("is refused after its span was given back, and when that is a larger block", () => {
    const agents = pair({ options: { spares: 0 } });
    const [one] = agents as [Agent];
    const blocks = allocate(one.heap, 100, 100);
    for (const ptr of blocks) one.heap.free(ptr);
    expect(spansOf(one)).toBe(1);
    const gone = blocks.filter(
      (ptr) => one.cache.words[one.cache.map + (ptr >>> 12) - one.cache.firstPage] === 0,
    );
    expect(gone.length).toBeGreaterThan(30);
    for (const ptr of gone) refusedBy(agents, ptr, DOUBLE);
    const large = one.heap.alloc(4096, 4096);
    expect(gone.some((ptr) => ptr >> 12 === large >> 12)).toBe(true);
    for (const ptr of gone) if (ptr >> 12 === large >> 12 && ptr !== large) refusedBy(agents, ptr, INVALID);
  });
});

describe("an agent that leaves", () => {
  it("gives everything back if nothing of its is live", () => {
    const one = first();
    const { freeBytes } = one.heap;
    const two = another(one);
    const blocks = [20, 100, 1000, 2000].flatMap((size) => allocate(two.heap, 100, size));
    for (const [index, ptr] of blocks.entries()) (index % 3 === 0 ? one : two).heap.free(ptr);
    expect(spansOf(one)).toBeGreaterThan(3);
    two.heap.detach();
    expect(spansOf(one)).toBe(0);
    expect(one.heap.freeBytes).toBe(freeBytes);
    expect(findings(one.heap)).toBe("");
  });

  it("leaves spans with live blocks, which others free and adopt", () => {
    const one = first();
    const two = another(one);
    const blocks = allocate(two.heap, 400, 100);
    for (const ptr of blocks) two.heap.memory.u8.fill(7, ptr, ptr + 100);
    const spans = spansOf(one);
    two.heap.detach();
    expect(spansOf(one)).toBe(spans);
    expect(findings(one.heap)).toBe("");
    // Free cells of the last span, and then of others as they become free.
    const adopted = one.heap.alloc(100);
    expect(spansOf(one)).toBe(spans);
    expect(one.cache.words[one.cache.shard + 16 + (one.cache.classOf[7] as number)]).not.toBe(0);
    for (const ptr of blocks.slice(0, 140)) one.heap.free(ptr);
    expect(findings(one.heap)).toBe("");
    const more = allocate(one.heap, 120, 100);
    expect(spansOf(one)).toBeLessThanOrEqual(spans);
    for (const ptr of blocks.slice(140)) {
      if (!one.heap.memory.u8.subarray(ptr, ptr + 100).every((byte) => byte === 7))
        expect(ptr).toBe("as it was");
      one.heap.free(ptr);
    }
    for (const ptr of [adopted, ...more]) one.heap.free(ptr);
    expect(findings(one.heap)).toBe("");
    one.heap.detach();
    expect(spansOf(one)).toBe(0);
  });
});

describe("before an agent has to say that there is no more", () => {
  it.each([0, 1, 100])("it gives back what it does not use: %i spares", (spares) => {
    const one = first({ options: { spares } });
    const whole = largest(one.heap);
    for (const size of [100, 500, 2000]) for (const ptr of fill(one.heap, size)) one.heap.free(ptr);
    // Classes keep one each, beside the spares.
    expect(spansOf(one)).toBeGreaterThanOrEqual(Math.min(spares, 50));
    expect(spansOf(one)).toBeLessThanOrEqual(spares + 3);
    const ptr = one.heap.alloc(whole);
    expect(ptr).not.toBe(0);
    expect(spansOf(one)).toBe(0);
    one.heap.free(ptr);
    expect(findings(one.heap)).toBe("");
  });

  it("it collects what others have freed, of its own spans and of those that nobody has", () => {
    const one = first();
    const whole = largest(one.heap);
    const [two, three] = [another(one), another(one)];
    const [left, ...others] = allocate(two.heap, 50, 600) as [number, ...number[]];
    for (const ptr of others) three.heap.free(ptr);
    beforeMark(() => two.heap.detach());
    three.heap.free(left);
    for (const ptr of fill(one.heap, 100)) three.heap.free(ptr);
    three.heap.detach();
    expect(one.heap.alloc(whole)).not.toBe(0);
    expect(findings(one.heap)).toBe("");
  });

  it("a class takes what another class had", () => {
    const one = first({ options: { spares: 0 } });
    const most = fill(one.heap, 1000).map((ptr) => one.heap.free(ptr)).length;
    const small = fill(one.heap, 64);
    expect(small.length).toBeGreaterThan(10_000);
    for (const ptr of small) one.heap.free(ptr);
    expect(fill(one.heap, 1000).length).toBe(most);
    expect(findings(one.heap)).toBe("");
  });
});
