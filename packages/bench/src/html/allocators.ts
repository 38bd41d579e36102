/** Who is in a result, and the colour each has in all of the page's plots. */
import type { ComparedAllocator } from "../compare.js";
import type { BenchResult } from "../json.js";
import { shown } from "./markup.js";
import { COLOURS, type PageAllocator } from "./page-data.js";

/** This project's strategies have the cool colours, the peers the warm ones; style.css says which. */
const OURS = ["hyperheap", "tlsf", "slab", "arena"];
const KNOWN = [...OURS, "dlmalloc", "as-tlsf", "thi.ng", "bump"];

export type Palette = ReadonlyMap<string, PageAllocator>;

/** Every allocator of a result once, in the order of the tables. Whoever is not known gets one of the colours that are left. */
export function allocatorsOf(result: BenchResult): ComparedAllocator[] {
  const { comparison, live, latency, space, timeline } = result;
  const all = [comparison, live, latency, space, timeline].flatMap((measure) => measure?.allocators ?? []);
  return [...new Map(all.map((each) => [each.name, each])).values()];
}

export function paletteOf(allocators: readonly ComparedAllocator[]): Palette {
  let next = KNOWN.length;
  return new Map(
    allocators.map(({ name }) => {
      const known = KNOWN.indexOf(name);
      const colour = known >= 0 ? known : next++ % COLOURS;
      return [
        name,
        { name: shown(name), colour, ours: OURS.includes(name) || name.startsWith("hyperheap+") },
      ];
    }),
  );
}

/** Of somebody who is in a result's cells, but not in its list. */
export function inPalette(palette: Palette, name: string): PageAllocator {
  return palette.get(name) ?? { name: shown(name), colour: COLOURS - 1, ours: false };
}
