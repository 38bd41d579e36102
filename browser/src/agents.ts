/** The page's side of a worker. */
import type { Answer, Call } from "./surroundings.js";
import type { Roles } from "./worker.js";

export interface Agent<Result> {
  readonly done: Promise<Result>;
  /** The next thing it says. */
  next<Said>(): Promise<Said>;
  post(message: unknown): void;
  /** Resolves when it runs no more. */
  end(): Promise<void>;
}

let agents = 0;

/** Starts a worker. What it throws fails the test, also if nobody waits for the worker. */
export function start<Name extends keyof Roles>(
  role: Name,
  data: Parameters<Roles[Name]>[0],
): Agent<Awaited<ReturnType<Roles[Name]>>> {
  const worker = new Worker("worker.js");
  const alive = `agent ${++agents}`;
  const unheard: unknown[] = [];
  const asking: ((said: unknown) => void)[] = [];
  const done = new Promise<unknown>((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new Error(`${role}: ${message}`));
    worker.onmessage = ({ data: answer }: MessageEvent<Answer>) => {
      if (answer.error !== undefined) reject(new Error(`${role}: ${answer.error}`));
      else if (!("said" in answer)) resolve(answer.done);
      else if (asking.length > 0) asking.shift()?.(answer.said);
      else unheard.push(answer.said);
    };
  });
  done.catch((error) => console.error(String(error)));
  worker.postMessage({ role, data, alive } satisfies Call);
  return {
    done: done as Promise<Awaited<ReturnType<Roles[Name]>>>,
    next<Said>() {
      if (unheard.length > 0) return Promise.resolve(unheard.shift() as Said);
      const said = new Promise<unknown>((resolve) => asking.push(resolve));
      const over = done.then(() => {
        throw new Error(`${role} has ended and said nothing more`);
      });
      return Promise.race([said, over]) as Promise<Said>;
    },
    post: (message) => worker.postMessage(message),
    async end() {
      // Comes back at once, while the worker may still run: the Web Lock it holds is free when it does not.
      worker.terminate();
      await navigator.locks.request(alive, () => {});
    },
  };
}

/** Lets messages come in. A timer would wait 4 ms. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
