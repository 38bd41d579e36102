/** What plugins are told and can say: the stack, the lock for their API, details of findings, notes for the dump. */
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";
import { attachHeap, type Context, createHeap, isHeapError, type Lock, limit, type Plugin } from "./index.js";

interface ProbeApi {
  readonly ctx: Context;
}

function probe(options: Plugin["options"] = {}, more: Partial<Plugin> = {}): Plugin<"probe", ProbeApi> {
  return {
    abi: 1,
    name: "probe",
    version: 1,
    phase: "guard",
    options,
    defaults: { depth: 3, wide: false },
    create: (_inner, ctx) => ({ api: { ctx } }),
    ...more,
  } as Plugin<"probe", ProbeApi>;
}

describe("ctx.plugins", () => {
  it("has every plugin of the stack with its settled options", () => {
    const heap = createHeap({
      memory: 65536,
      strategy: hyperheap(),
      plugins: [probe({ depth: 5 }), limit({ bytes: 4096 })],
    });
    expect([...heap.probe.ctx.plugins]).toEqual([
      ["limit", { bytes: 4096 }],
      ["probe", { depth: 5, wide: false }],
    ]);
  });

  it("has the attached heap's options, not this agent's defaults", () => {
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [probe({ depth: 7 })] });
    const other = attachHeap(heap.descriptor(), { strategy: hyperheap(), plugins: [probe()] });
    expect(other.probe.ctx.plugins.get("probe")).toEqual({ depth: 7, wide: false });
  });
});

describe("ctx.exclusive", () => {
  it("does its work with the lock held, once, and leaves it when the work throws", () => {
    const calls: string[] = [];
    const lock: Lock = {
      enter: () => calls.push("enter"),
      tryEnter: () => true,
      leave: () => calls.push("leave"),
    };
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [probe()], lock });
    const { exclusive } = heap.probe.ctx;
    expect(exclusive(() => calls.push("work"))).toBe(2);
    expect(calls).toEqual(["enter", "work", "leave"]);
    expect(() =>
      exclusive(() => {
        throw new Error("work");
      }),
    ).toThrow("work");
    expect(calls.slice(3)).toEqual(["enter", "leave"]);
  });

  it("takes fresh views first, and throws where the heap is over", () => {
    const buffer = new ArrayBuffer(65536, { maxByteLength: 1 << 17 });
    const heap = createHeap({ memory: buffer, strategy: hyperheap(), plugins: [probe()] });
    const other = attachHeap(heap.descriptor(), { strategy: hyperheap(), plugins: [probe()] });
    heap.grow(4096);
    const { exclusive, memory } = other.probe.ctx;
    expect(exclusive(() => memory.u8.length)).toBe(buffer.byteLength);
    other.detach();
    expect(() => exclusive(() => 1)).toThrowError(expect.objectContaining({ code: "ERR_DETACHED_HEAP" }));
  });
});

describe("ctx.observe", () => {
  /** A lock whose stamps are given: -1 while somebody else is inside. */
  function observed(stamps: readonly number[]) {
    const calls: string[] = [];
    let asked = 0;
    const lock: Lock = {
      enter: () => calls.push("enter"),
      tryEnter: () => true,
      leave: () => calls.push("leave"),
      stamp: () => stamps[Math.min(asked++, stamps.length - 1)] as number,
    };
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [probe()], lock });
    const read = (): number => {
      calls.push("read");
      return calls.length;
    };
    return { calls, read, observe: heap.probe.ctx.observe, asked: () => asked };
  }

  it("reads once where nobody was inside, and never takes the lock", () => {
    const { calls, read, observe, asked } = observed([8, 8]);
    expect(observe(read)).toBe(1);
    expect([calls, asked()]).toEqual([["read"], 2]);
  });

  it("reads again where somebody was, and not at all while somebody is", () => {
    const { calls, read, observe, asked } = observed([-1, -1, 8, 10, 10, -1, 12, 12]);
    expect(observe(read)).toBe(3);
    expect([calls, asked()]).toEqual([["read", "read", "read"], 8]);
  });

  it("believes what is thrown only where nobody was inside", () => {
    const { observe } = observed([2, 4, 4, 4]);
    let tries = 0;
    const failing = (): never => {
      throw new Error(`try ${++tries}`);
    };
    expect(() => observe(failing)).toThrow("try 2");
  });

  it("takes the lock in the end where the heap is never quiet", () => {
    const { calls, read, observe, asked } = observed([-1]);
    observe(read);
    expect([calls, asked()]).toEqual([["enter", "read", "leave"], 100]);
  });

  it("takes a lock that cannot tell, and none where there is none", () => {
    const calls: string[] = [];
    const lock: Lock = {
      enter: () => calls.push("enter"),
      tryEnter: () => true,
      leave: () => calls.push("leave"),
    };
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [probe()], lock });
    heap.probe.ctx.observe(() => calls.push("read"));
    expect(calls).toEqual(["enter", "read", "leave"]);
    const alone = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [probe()] });
    expect(alone.probe.ctx.observe(() => 7)).toBe(7);
    alone.detach();
    expect(() => alone.probe.ctx.observe(() => 7)).toThrowError(
      expect.objectContaining({ code: "ERR_DETACHED_HEAP" }),
    );
  });
});

describe("ctx.tagName and dump", () => {
  it("know the names of whichever plugin keeps them", () => {
    const naming = probe(undefined, {
      name: "naming",
      phase: "account",
      create: ({ walk }) => ({
        tagName: (tag) => (tag === 5000 ? 'mesh "a"' : undefined),
        allocator: {
          walk(visit) {
            walk?.((block) => {
              if (block.state === "used") block.tag = block.usable === 16 ? 5000 : 6000;
              visit(block);
            });
          },
        },
        api: undefined,
      }),
    }) as unknown as Plugin<"naming", undefined>;
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [naming, probe()] });
    expect([heap.probe.ctx.tagName(5000), heap.probe.ctx.tagName(6000)]).toEqual(['mesh "a"', undefined]);
    heap.alloc(16);
    heap.alloc(32);
    const dump = heap.dump();
    expect(dump).toMatch(/ 16 {2}tag "mesh \\"a\\""\n/);
    expect(dump).toMatch(/ 32 {2}tag 6000\n/);
    const plain = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [probe()] });
    expect(plain.probe.ctx.tagName(5000)).toBeUndefined();
  });
});

describe("a plugin's check", () => {
  const finding = (message: string, offset: number) => ({
    code: "ERR_HEAP_OVERFLOW" as const,
    message,
    ptr: 64,
    details: { offset, relativeTo: "block", hint: "look there", foundAt: "check(), agent 1" },
  });

  const failing = (messages: readonly string[]) =>
    createHeap({
      memory: 65536,
      strategy: hyperheap(),
      plugins: [
        probe(undefined, {
          create: () => ({
            allocator: {
              check(report) {
                for (const [index, message] of messages.entries()) report(finding(message, index));
              },
            },
            api: undefined,
          }),
        }),
      ],
    });

  const caught = (call: () => void): unknown => {
    try {
      call();
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it("has the details of its finding in the error", () => {
    const error = caught(() => failing(["one"]).check());
    expect(isHeapError(error, "ERR_HEAP_OVERFLOW")).toBe(true);
    expect(error).toMatchObject({
      message: "one",
      ptr: 64,
      offset: 0,
      relativeTo: "block",
      hint: "look there",
      foundAt: "check(), agent 1",
    });
  });

  it("shows the first line of the first of several findings", () => {
    const error = caught(() => failing(["one\n  more of it", "two"]).check());
    expect(error).toMatchObject({ message: "2 findings; first: one" });
    expect((error as { errors: unknown[] }).errors).toMatchObject([{ offset: 0 }, { offset: 1 }]);
  });
});

describe("a plugin's walk", () => {
  it("can put a note at the end of a block's line in the dump", () => {
    const noting = probe(undefined, {
      create: ({ walk }) => ({
        allocator: {
          walk(visit) {
            walk?.((block) => {
              if (block.state === "used") block.note = "#12, agent 3";
              visit(block);
            });
          },
        },
        api: undefined,
      }),
    });
    const heap = createHeap({ memory: 65536, strategy: hyperheap(), plugins: [noting] });
    heap.alloc(48);
    const lines = heap.dump().split("\n");
    expect(lines.filter((line) => line.endsWith("  #12, agent 3"))).toHaveLength(1);
    expect([...heap.blocks()].every((block) => !("note" in block))).toBe(true);
  });
});
