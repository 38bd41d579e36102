/** The parent's end of a worker process. */
import { type ChildProcess, fork } from "node:child_process";
import { built } from "./assets.js";
import type { Failure, Replies, Reply, Request } from "./protocol.js";
import type { StopSignal } from "./schedule.js";

/** A worker that does not answer in this time is ended; its own limits are far shorter. */
const ANSWER_MS = 180_000;

/** A request that failed: the worker said why, or is gone. */
export class WorkerFailure extends Error implements Failure {
  override name = "WorkerFailure";
  readonly reason: string;
  readonly detail: string;

  constructor(failure: Failure) {
    super(failure.detail);
    this.reason = failure.reason;
    this.detail = failure.detail;
  }
}

export class Child {
  readonly #process: ChildProcess;
  #stderr = "";

  /** @param flags of Node, for this process. */
  constructor(flags: readonly string[] = []) {
    this.#process = fork(built("worker.js"), [], {
      execArgv: [...flags],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#process.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-4000);
    });
    // Failing to start shows as an exit.
    this.#process.on("error", () => {});
  }

  /** Asks and waits. Rejects with a {@link WorkerFailure}; with the signal's reason if that comes first. */
  request<What extends Request["do"]>(
    request: Extract<Request, { do: What }>,
    signal?: StopSignal,
  ): Promise<Replies[What]> {
    return new Promise((resolve, reject) => {
      const child = this.#process;
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        child.off("message", onMessage);
        child.off("exit", onExit);
        signal?.removeEventListener("abort", onAbort);
        act();
      };
      const fail = (reason: string, detail: string): void => {
        settle(() => reject(new WorkerFailure({ reason, detail })));
      };
      const onMessage = (message: unknown): void => {
        const reply = message as Reply;
        if (reply.ok) settle(() => resolve(reply.value as Replies[What]));
        else fail(reply.reason, reply.detail);
      };
      const onExit = (code: number | null, by: NodeJS.Signals | null): void => {
        const last = this.#stderr.trim().split("\n").pop() ?? "";
        fail("crashed", `worker ended by ${by ?? `code ${code}`}${last === "" ? "" : `: ${last}`}`);
      };
      const onAbort = (): void => settle(() => reject(signal?.reason));
      const timer = setTimeout(() => {
        this.end();
        fail("hangs", `no answer in ${ANSWER_MS / 1000} s`);
      }, ANSWER_MS);
      if (signal?.aborted) return onAbort();
      if (child.exitCode !== null || child.signalCode !== null || !child.connected) {
        return onExit(child.exitCode, child.signalCode);
      }
      child.on("message", onMessage);
      child.on("exit", onExit);
      signal?.addEventListener("abort", onAbort);
      child.send(request);
    });
  }

  end(): void {
    this.#process.kill("SIGKILL");
  }
}
