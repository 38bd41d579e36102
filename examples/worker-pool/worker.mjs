// One worker: takes images from one channel, blurs them where they lie, passes them on through the other.
import { workerData } from "node:worker_threads";
import { attachHeap, channel } from "@heapwright/core";
import { HEIGHT, stack, WIDTH } from "./stack.mjs";

const heap = attachHeap(workerData.heap, stack);
const jobs = channel(heap, { at: workerData.jobs });
const results = channel(heap, { at: workerData.results });
const row = heap.allocArray(Uint8Array, WIDTH);

// Sleeps until there is a job; undefined when the channel is closed and drained.
for (let job = jobs.receive(); job !== undefined; job = jobs.receive()) {
  // From here to `send` the block is this worker's alone: no lock, no copy.
  blur(heap.memory.u8.subarray(job.ptr, job.ptr + job.length));
  results.send(job.ptr, job.length, job.tag);
}

heap.free(row);
heap.detach();

/** Each pixel becomes the mean of itself and its two neighbours in the row, rounded down; beyond the edge is the edge. */
function blur(pixels) {
  for (let y = 0; y < HEIGHT; y++) {
    const start = y * WIDTH;
    row.set(pixels.subarray(start, start + WIDTH));
    for (let x = 0; x < WIDTH; x++) {
      const left = row[Math.max(0, x - 1)];
      const right = row[Math.min(WIDTH - 1, x + 1)];
      pixels[start + x] = (left + row[x] + right) / 3;
    }
  }
}
