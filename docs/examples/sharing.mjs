// Workers that share one heap: they attach to it, get blocks through a channel, and one of them dies. Main thread and worker in one file.
import { once } from "node:events";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { agentCache, attachHeap, channel, createHeap, defineStack } from "@heapwright/core";
import { tlsf } from "@heapwright/tlsf";

// Both sides: the same stack.
const stack = defineStack({ strategy: tlsf(), plugins: [agentCache()] });

if (isMainThread) await main();
else work();

async function main() {
  const heap = createHeap({ memory: new SharedArrayBuffer(4 << 20), name: "texts", ...stack });
  const jobs = channel(heap, { slots: 8 });
  const results = channel(heap, { slots: 8 });

  async function startWorker() {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { heap: heap.descriptor(), jobs: jobs.at, results: results.at },
    });
    const ended = once(worker, "exit");
    const [agent] = await once(worker, "message"); // the id that `recover` will need
    return { agent, ended };
  }
  const workers = [await startWorker(), await startWorker()];

  // Who is working on what is noted here, since a dead worker cannot be asked.
  const pending = new Map();
  for (const [number, text] of ["one", "two", "crash", "three", "four"].entries()) {
    const { ptr, bytes } = heap.string(text);
    pending.set(number, ptr);
    await jobs.sendAsync(ptr, bytes, number); // the block is the channel's now
  }
  jobs.close(); // the workers see the end

  const exits = workers.map(async ({ agent, ended }) => {
    const [code] = await ended;
    if (code === 0) return;
    const { operation, errors } = heap.recover(agent);
    const left = [jobs.recover(agent), results.recover(agent)].flatMap((of) => [
      ...of.sending,
      ...of.receiving,
    ]);
    console.log(
      `a worker died in "${operation}": ${errors.length} errors, ${left.length} messages under way`,
    );
  });
  void Promise.all(exits).then(() => results.close());

  const texts = [];
  for await (const { ptr, length, tag } of results) {
    texts[tag] = heap.text(ptr, length);
    heap.free(ptr); // the receiver's
    pending.delete(tag);
  }
  console.log(texts.filter((text) => text !== undefined).join(" "));
  console.log(`job ${[...pending.keys()].join(", ")} was not done`);
  for (const ptr of pending.values()) heap.free(ptr);

  jobs.free();
  results.free();
  heap.check();
  console.log(`${heap.usedBytes} bytes in use`);
}

function work() {
  const heap = attachHeap(workerData.heap, stack);
  const jobs = channel(heap, { at: workerData.jobs });
  const results = channel(heap, { at: workerData.results });
  parentPort?.postMessage(heap.agent);
  for (let job = jobs.receive(); job !== undefined; job = jobs.receive()) {
    const text = heap.text(job.ptr, job.length);
    if (text === "crash") process.exit(1); // this thread ends, with a block that is its own
    const bytes = heap.memory.u8.subarray(job.ptr, job.ptr + job.length);
    for (let at = 0; at < bytes.length; at++) bytes[at] -= 32; // in place, without lock or copy
    results.send(job.ptr, job.length, job.tag);
  }
  heap.detach(); // what this agent holds for itself goes back
}
