/**
 * A thread of a crew: attaches to the heap, then does what it is ordered to, asleep in between. It never returns to its event loop, so
 * it tells of failures through a port that the driver looks into.
 */
import { parentPort } from "node:worker_threads";
import { attachHeap, type Heap } from "@heapwright/core";
import { messageOf } from "../errors.js";
import { Control, ORDER, type Timed, WORD } from "./control.js";
import type { CrewData, ThreadFailure } from "./crew.js";
import { agentStack } from "./stacks.js";

/** The machine's clock, the same for all threads. */
const now = (): number => Number(process.hrtime.bigint());

export interface Member {
  readonly heap: Heap;
  readonly control: Control;
  /** Does `work` for each order until the one to end; it returns how many operations it did. */
  obey(work: (what: number) => number): void;
}

export function obeyOrders({ descriptor, stack, control: shared, thread, failures }: CrewData): Member {
  const control = new Control(shared);
  const { strategy, plugins } = agentStack(stack);
  const heap: Heap = attachHeap(descriptor, { strategy: strategy(), plugins: plugins() });

  function timed(work: (what: number) => number, what: number): Timed {
    control.meet();
    const begin = now();
    let operations = 0;
    try {
      operations = work(what);
    } catch (error) {
      const failure: ThreadFailure = {
        name: error instanceof Error ? error.name : "Error",
        message: messageOf(error),
      };
      failures.postMessage(failure);
      Atomics.add(control.words, WORD.failed, 1);
    }
    return { begin, end: now(), operations };
  }

  return {
    heap,
    control,
    obey(work) {
      parentPort?.postMessage("attached");
      for (let order = control.awaitOrder(0); ; order = control.awaitOrder(order)) {
        const what = Atomics.load(control.words, WORD.what);
        if (what === ORDER.end) break;
        control.done(thread, timed(work, what));
      }
      heap.detach();
      control.done(thread, { begin: 0, end: 0, operations: 0 });
    },
  };
}
