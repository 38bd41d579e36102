/** Entry of a worker process: loads one job, then measures whenever it is asked. Ends with its parent. */
import type { Failure, Job, Reply, Request } from "./protocol.js";
import { describeFailure, replayJob } from "./replay-job.js";
import { loadTarget } from "./targets/index.js";
import type { TargetModule } from "./targets/target.js";

let job: Job | undefined;
let module: TargetModule | undefined;
let limitMs = 0;

async function answer(request: Request): Promise<Reply> {
  if (request.do === "load") {
    const spec = request.job;
    if (spec.kind === "replay") {
      module = await loadTarget(spec.target);
      limitMs = spec.limitMs;
      job = await replayJob(spec, module);
    } else {
      // Loaded only here: it brings core and hyperheap, which no other allocator's process should know.
      job = await (await import("./composition/job.js")).compositionJob(spec);
    }
    return { ok: true, value: job.loaded };
  }
  if (job === undefined) throw new Error("nothing is loaded");
  return {
    ok: true,
    value: request.do === "warm" ? job.warm(request.ms, request.capMs) : job.round(request.ms),
  };
}

const send = (reply: Reply): void => {
  process.send?.(reply);
};

process.on("message", (request: Request) => {
  answer(request).then(send, (error: unknown) => {
    const failure: Failure = describeFailure(error, module, limitMs);
    send({ ok: false, ...failure });
  });
});
process.on("disconnect", () => process.exit(0));
// Ctrl-C reaches the whole group; the parent decides what happens.
process.on("SIGINT", () => {});
