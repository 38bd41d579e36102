/** Entry of a thread that replays its share of a trace. */
import { workerData } from "node:worker_threads";
import { ORDER } from "../agents/control.js";
import type { CrewData } from "../agents/crew.js";
import { obeyOrders } from "../agents/member.js";
import { type Board, patterned, replayShare, type Share } from "./share.js";

export interface ReplayData {
  /** By thread. */
  readonly shares: readonly Share[];
  readonly board: Board;
  /** To the first word of each new block. */
  readonly writes: number;
}

const data = workerData as ReplayData & CrewData;
const { heap, control, obey } = obeyOrders(data);
const { board, writes } = data;
const work = { heap, share: data.shares[data.thread], board, control };

obey((what) =>
  what === ORDER.check
    ? replayShare({ ...work, writes: 0, touch: patterned(heap) })
    : replayShare({ ...work, writes, touch: undefined }),
);
