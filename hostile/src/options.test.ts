/** Options that only the heap itself says: what no one could have given is refused, by name. */
import { agentCache, attachHeap, createHeap, type Heap, type PluginInput } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { stats } from "@heapwright/stats";
import { strict } from "@heapwright/strict";
import { expect, it } from "vitest";

const PLUGINS: Readonly<Record<string, () => PluginInput>> = { agentCache, stats, strict };

it.each([
  ["agentCache", "agents", 16, 0],
  ["agentCache", "spares", 4, -1],
  ["agentCache", "spanBytes", 0, 1],
  ["stats", "maxTags", 0, 0.5],
  ["stats", "shortLived", 0, -1],
  ["stats", "sizeClasses", false, 10],
  ["strict", "bytes", 64, -1],
  ["strict", "before", 16, 1e9],
  ["strict", "before", 16, 10],
  ["strict", "freed", 203, 999],
  ["strict", "fresh", 205, 0.5],
  ["strict", "slots", 64, 0],
  ["strict", "slots", 64, 1e9],
  ["strict", "freed", 203, '""'],
] as const)("%s: %s %s, changed to %s", (plugin, option, from, to) => {
  const parts = () => ({ strategy: hyperheap(), plugins: [(PLUGINS[plugin] as () => PluginInput)()] });
  const heap = createHeap({ memory: 1 << 17, ...parts() }) as Heap;
  const { u8, u32 } = heap.memory;
  const text = new TextDecoder().decode(u8.slice(128, 128 + (u32[8] as number)));
  const changed = text.replace(`"${option}":${from}`, `"${option}":${to}`);
  expect(changed).not.toBe(text);
  u8.set(new TextEncoder().encode(changed.padEnd(text.length)), 128);
  u32[8] = Math.max(changed.length, text.length);
  expect(() => attachHeap(heap.descriptor(), parts())).toThrow(
    expect.objectContaining({
      code: expect.stringMatching(/^ERR_(INVALID_OPTION|INCOMPATIBLE_HEAP)$/),
      message: expect.stringContaining(option),
    }),
  );
});
