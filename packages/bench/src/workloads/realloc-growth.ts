/**
 * Growth by realloc: 16 buffers that grow side by side from 16 bytes, each by a half, a double or 100 bytes at a time, until 64 KiB; then
 * a new one begins. Between them small blocks come and go. Who grows in place copies nothing.
 */
import { between, seeded } from "../random.js";
import type { Trace } from "../trace.js";
import { TraceBuilder } from "./builder.js";

const OPERATIONS = 50_000;
const BUFFERS = 16;
const SMALLEST = 16;
const GREATEST = 65_536;
/** How a buffer grows, from its size to the next. */
const GROWTHS = [
  (size: number): number => Math.ceil(size * 1.5),
  (size: number): number => size * 2,
  (size: number): number => size + 100,
];

export function makeReallocGrowth(): Trace {
  const random = seeded(0x6404);
  const builder = new TraceBuilder();
  const small: number[] = [];
  const begin = () => ({
    id: builder.malloc(SMALLEST),
    size: SMALLEST,
    grow: GROWTHS[between(random, 0, GROWTHS.length - 1)],
  });
  const buffers = Array.from({ length: BUFFERS }, begin);
  while (builder.length < OPERATIONS) {
    const place = between(random, 0, BUFFERS - 1);
    const buffer = buffers[place];
    buffer.size = buffer.grow(buffer.size);
    if (buffer.size > GREATEST) {
      builder.free(buffer.id);
      buffers[place] = begin();
    } else builder.realloc(buffer.id, buffer.size);
    small.push(builder.malloc(between(random, 8, 128)));
    if (small.length > 200) builder.freeAll(small.splice(between(random, 0, small.length - 1), 1));
  }
  return builder.finish("realloc-growth");
}
