/**
 * The entries of all agents in one order: each agent's as it wrote them, among the agents by stamp (log.ts says why that is the order in which
 * addresses changed hands). Price: O(entries × agents).
 */
import { TraceError } from "./errors.js";
import { ENTRY_WORDS, FREE, FROM, KIND_MASK, MARK, TIME, type TracePart } from "./log.js";

/** `visit` gets each entry: the part it is in, and the index of its first word. */
export function inOrder(parts: readonly TracePart[], visit: (part: TracePart, at: number) => void): void {
  const lanes = lanesOf(parts);
  const first = lanes[0]?.stamp() ?? 0;
  for (const { stamp } of lanes) if (Math.abs((stamp() - first) | 0) > 2 ** 30) refuse();
  let live = lanes;
  while (live.length > 0) {
    let lane = live[0];
    for (const other of live) if (isBefore(other, lane)) lane = other;
    visit(lane.part, lane.at);
    if (!lane.advance()) live = live.filter((each) => each !== lane);
  }
}

function refuse(): never {
  throw new TraceError("parts that are too far apart to belong to one recording");
}

/** The parts of one agent, one after the other. */
class Lane {
  at = 0;
  readonly #parts: readonly TracePart[];
  #index = 0;

  constructor(parts: readonly TracePart[]) {
    this.#parts = parts;
  }

  get part(): TracePart {
    return this.#parts[this.#index];
  }

  readonly stamp = (): number => this.part.words[this.at + 3];

  /** Its stamp is its own: what others have with the same comes after. */
  makes(): boolean {
    const kind = this.part.words[this.at] & KIND_MASK;
    return kind !== FREE && kind !== FROM && kind !== MARK && kind !== TIME;
  }

  advance(): boolean {
    this.at += ENTRY_WORDS;
    if (this.at < this.part.words.length) return true;
    this.at = 0;
    this.#index++;
    return this.#index < this.#parts.length;
  }
}

function isBefore(one: Lane, other: Lane): boolean {
  const difference = (one.stamp() - other.stamp()) | 0;
  return difference < 0 || (difference === 0 && one.makes() && !other.makes());
}

function lanesOf(parts: readonly TracePart[]): Lane[] {
  const byAgent = new Map<number, TracePart[]>();
  for (const part of parts) {
    if (part.words.length === 0) continue;
    const own = byAgent.get(part.agent);
    if (own === undefined) byAgent.set(part.agent, [part]);
    else own.push(part);
  }
  return [...byAgent.values()].map((own) => {
    own.sort((a, b) => a.number - b.number);
    for (const [index, part] of own.entries()) {
      if (index > 0 && part.number === own[index - 1].number)
        throw new TraceError(`part ${part.number} of agent ${part.agent} is there twice`);
    }
    return new Lane(own);
  });
}
