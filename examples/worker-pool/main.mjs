// The main thread: one shared heap, two channels, a few workers. It never stops its event loop.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { channel, createHeap } from "@heapwright/core";
import { BYTES, stack, WIDTH } from "./stack.mjs";

const WORKERS = 3;
const IMAGES = 40;

const heap = createHeap({ memory: new SharedArrayBuffer(2 << 20), name: "images", ...stack });
// Not every image fits the heap at once: the channel's slots bound how many there are.
const jobs = channel(heap, { slots: 8 });
const results = channel(heap, { slots: 8 });

const workerData = { heap: heap.descriptor(), jobs: jobs.at, results: results.at };
const workers = Array.from(
  { length: WORKERS },
  () => new Worker(new URL("worker.mjs", import.meta.url), { workerData }),
);
const ended = Promise.all(workers.map((worker) => once(worker, "exit")));
console.log(`${WORKERS} workers share a heap of ${heap.memory.buffer.byteLength / 1024} KiB`);

await Promise.all([submit(), collect()]);
jobs.close(); // the workers see the end
const codes = (await ended).map(([code]) => code);
jobs.free();
results.free();
heap.check();
console.log(`workers ended with ${codes.join(", ")}; ${heap.usedBytes} bytes are in use`);

/** Stripes, black and white, one pixel wide in image 0 and wider in each that follows. */
async function submit() {
  for (let image = 0; image < IMAGES; image++) {
    const ptr = heap.allocUnsafe(BYTES);
    if (ptr === 0) throw new Error("no room for another image");
    const pixels = heap.memory.u8.subarray(ptr, ptr + BYTES);
    for (let at = 0; at < BYTES; at++)
      pixels[at] = Math.floor((at % WIDTH) / (image + 1)) % 2 === 0 ? 0 : 255;
    // The image belongs to the queue now, then to a worker. `tag` says which one it is.
    await jobs.sendAsync(ptr, BYTES, image);
  }
}

async function collect() {
  let grey = 0;
  let contrast = 0;
  for (let count = 0; count < IMAGES; count++) {
    const { ptr, length, tag } = await results.receiveAsync();
    const pixels = heap.memory.u8.subarray(ptr, ptr + length);
    const greys = pixels.reduce((sum, pixel) => sum + (pixel > 0 && pixel < 255 ? 1 : 0), 0);
    grey += greys;
    if (tag === 0) contrast = pixels[11] - pixels[10];
    heap.free(ptr); // the receiver's
  }
  console.log(`${IMAGES} images of ${BYTES / 1024} KiB blurred, none copied`);
  console.log(`${grey} grey pixels; neighbours in image 0 differ by ${Math.abs(contrast)} of 255`);
}
