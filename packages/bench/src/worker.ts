/** Entry of a worker process: loads one job, then measures whenever it is asked. Ends with its parent. */
import { liveJob } from "./live/job.js";
import type { Failure, Job, JobSpec, Reply, Request, SpaceSpec, TimelineSpec } from "./protocol.js";
import { describeFailure, replayJob } from "./replay-job.js";
import { type Footprint, measureFootprint } from "./space/footprint.js";
import { loadTarget } from "./targets/index.js";
import type { TargetModule } from "./targets/target.js";
import { type Watched, watchTimeline } from "./timeline/watch.js";

let job: Job | undefined;
let module: TargetModule | undefined;
let limitMs = 0;

async function loadJob(spec: JobSpec): Promise<Job> {
  // Loaded only here: it brings core and hyperheap, which no other allocator's process should know.
  if (spec.kind === "composition") return (await import("./composition/job.js")).compositionJob(spec);
  if (spec.kind === "larson") return (await import("./agents/larson-job.js")).larsonJob(spec);
  if (spec.kind === "lock") return (await import("./agents/lock-job.js")).lockJob(spec);
  if (spec.kind === "threads") return (await import("./threads/job.js")).threadsJob(spec);
  if (spec.kind === "view") return (await import("./views/job.js")).viewJob(spec);
  module = await loadTarget(spec.target);
  limitMs = spec.limitMs;
  return spec.kind === "replay" ? replayJob(spec, module) : liveJob(spec, module);
}

async function space(spec: SpaceSpec): Promise<Footprint> {
  module = await loadTarget(spec.target);
  limitMs = spec.limitMs;
  return measureFootprint(spec, module);
}

async function timeline(spec: TimelineSpec): Promise<Watched> {
  module = await loadTarget(spec.target);
  limitMs = spec.limitMs;
  return watchTimeline(spec, module);
}

async function answer(request: Request): Promise<Reply> {
  if (request.do === "space") return { ok: true, value: await space(request.spec) };
  if (request.do === "timeline") return { ok: true, value: await timeline(request.spec) };
  if (request.do === "load") {
    job = await loadJob(request.job);
    return { ok: true, value: job.loaded };
  }
  if (job === undefined) throw new Error("nothing is loaded");
  switch (request.do) {
    case "warm":
      return { ok: true, value: job.warm(request.ms, request.capMs) };
    case "round":
      return { ok: true, value: job.round(request.ms) };
    case "clock":
      if (job.clock === undefined) throw new Error("this job has no single operations");
      return { ok: true, value: await job.clock(request.replays) };
  }
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
