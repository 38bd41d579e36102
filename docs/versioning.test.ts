/** docs/VERSIONING.md: other formats are refused, with both numbers, and nothing is written. */
import { attachHeap, createHeap, type Heap, limit, restoreHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { describe, expect, it } from "vitest";

const FORMAT = 1;
const parts = () => ({ strategy: hyperheap(), plugins: [limit({ bytes: 4096 })] });
const make = (): Heap => createHeap({ memory: 16384, ...parts() }) as Heap;

/** The same heap, as another version of that part would have written it. */
function withPartVersion(
  heap: Heap,
  name: string,
  change: number,
): { readonly was: number; readonly is: number } {
  const { u8, u32 } = heap.memory;
  const text = new TextDecoder().decode(u8.slice(128, 128 + (u32[8] as number)));
  const [found, was] = text.match(new RegExp(`"name":"${name}","version":(\\d+)`)) as unknown as [
    string,
    string,
  ];
  const is = Number(was) + change;
  u8.set(new TextEncoder().encode(text.replace(found, `"name":"${name}","version":${is}`)), 128);
  return { was: Number(was), is };
}

describe.each([
  ["older", -1],
  ["newer", 1],
])("an %s format", (_, change) => {
  it("of the header is refused", () => {
    const heap = make();
    expect(heap.memory.u32[1]).toBe(FORMAT);
    heap.memory.u32[1] = FORMAT + change;
    const before = heap.memory.u8.slice();
    const refused = expect.objectContaining({
      code: "ERR_INCOMPATIBLE_HEAP",
      message: expect.stringContaining(
        `the heap has format version ${FORMAT + change}, this core reads ${FORMAT}`,
      ),
    });
    expect(() => attachHeap(heap.descriptor(), parts())).toThrow(refused);
    const memory = new ArrayBuffer(16384);
    expect(() => restoreHeap(before, { memory, ...parts() })).toThrow(refused);
    expect(new Uint8Array(memory).every((byte) => byte === 0)).toBe(true);
    expect(heap.memory.u8).toEqual(before);
  });

  it.each(["hyperheap", "limit"])("of %s is refused", (name) => {
    const heap = make();
    const { was, is } = withPartVersion(heap, name, change);
    const refused = expect.objectContaining({
      code: "ERR_INCOMPATIBLE_HEAP",
      message: expect.stringMatching(
        new RegExp(`"${name}": the heap has format version ${is}, this stack ${was}`),
      ),
    });
    expect(() => attachHeap(heap.descriptor(), parts())).toThrow(refused);
    expect(() => restoreHeap(heap.memory.u8.slice(), parts())).toThrow(refused);
  });
});
