/**
 * The capability table: what a heap says it can do, and what became of it when it was tried. A row is one capability:
 *
 * | found | |
 * |---|---|
 * | held | it is claimed, was used so many times, and kept every promise |
 * | lacking | it is not claimed, and is not there |
 * | not tried | nobody said how to: an option of `conformance` is missing; or it cannot come up: no block has an address inside |
 *
 * All else is an error: claimed and not there, there and not claimed, claimed and never come to.
 */
import type { Capabilities } from "@heapwright/core";
import type { Weights } from "./profile.js";
import type { Program } from "./program.js";
import { broken, codeOf, describeError } from "./promises.js";
import type { Detects, Subject } from "./subject.js";
import type { RunReport } from "./trial.js";

/** One line of the table. */
export interface CapabilityRow {
  readonly capability: string;
  readonly claimed: string;
  /** `held: …`, `lacking`, `not tried: …` */
  readonly found: string;
}

/** What the rows are judged by. */
export interface Case {
  /** A fresh one. */
  make(): Subject;
  /** What the runs that every heap gets have done. */
  readonly tally: Readonly<RunReport>;
  /** A long run with more of some operations. */
  soak(weights: Partial<Weights>): Readonly<RunReport>;
  run(program: Program): Readonly<RunReport>;
  /** Undefined where nobody said how to. */
  readonly restored: (() => Readonly<RunReport>) | undefined;
  readonly attached: (() => Readonly<RunReport>) | undefined;
  /** The same on shared memory: makes one, and runs on it. */
  readonly shared: { make(): unknown; soak(): Readonly<RunReport> } | undefined;
}

/** What a capability is claimed to be, and what was found. */
type Verdict = readonly [claimed: string, found: string];
export type Judge = (of: Case) => Verdict;
/** A capability, and how it is judged. */
interface Row {
  readonly name: string;
  readonly judge: Judge;
}

const LACKING = "lacking";
const GRANULE = 16;
/** These need an address inside of a block, a multiple of 16 as every block's is. */
const INSIDE: readonly Detects[] = ["interior", "forged"];
const MISUSE: readonly Detects[] = ["double-free", "foreign", "interior", "unaligned", "forged"];

/** What it says of itself; where it says nothing, what its members say. `shared` is undefined where nobody knows. */
function claimsOf(subject: Subject): Omit<Capabilities, "shared"> & { readonly shared: boolean | undefined } {
  const { frees: free, detects, maxAlign } = subject;
  return (
    subject.capabilities ?? {
      free,
      detects,
      maxAlign,
      shared: undefined,
      grow: subject.grow !== undefined,
      reset: subject.reset !== undefined,
      marks: subject.release !== undefined,
    }
  );
}

/** A claimed capability that nothing came to is not held to anything. */
function reached(capability: string, count: number, what: string): string {
  if (count > 0) return `${count} ${what}`;
  throw broken(
    "capable",
    `${capability} is claimed, but no run came to it: 0 ${what}. Give it more operations?`,
  );
}

const held = (...counts: readonly string[]): string => `held: ${counts.join(", ")}`;
const yesOrNo = (claimed: boolean): string => (claimed ? "yes" : "no");

function free({ make, tally }: Case): Verdict {
  const { free: claimed } = claimsOf(make());
  if (claimed === "none")
    return ["none", `${LACKING}: ${reached("free none", tally.refusedFrees, "refused")}`];
  const freed = reached(`free ${claimed}`, tally.frees, "freed");
  if (claimed === "any") return ["any", held(freed)];
  return ["last", held(freed, reached("free last", tally.refusedFrees, "refused"))];
}

function detects(kind: Detects): Judge {
  return ({ make, tally }) => {
    const claimed = claimsOf(make()).detects.includes(kind);
    if (!claimed) return ["no", LACKING];
    const count = tally.detected[kind];
    if (count === 0 && INSIDE.includes(kind) && make().allocUnsafe(GRANULE + 1, GRANULE, 0) === 0)
      return ["yes", `not tried: no block has more than ${GRANULE} bytes`];
    return ["yes", held(reached(`detects ${kind}`, count, "refused"))];
  };
}

function maxAlign({ make, tally }: Case): Verdict {
  const subject = make();
  const { maxAlign: claimed } = claimsOf(subject);
  const blocks = reached(`maxAlign ${claimed}`, tally.atMaxAlign, "blocks");
  if (claimed >= 4096 || !subject.checksArguments) return [`${claimed}`, held(blocks)];
  const refused = reached(`no more than ${claimed}`, tally.refusedAlignments, "refused");
  return [`${claimed}`, held(blocks, refused)];
}

function shared({ make, shared: other }: Case): Verdict {
  const subject = make();
  const { shared: claimed } = claimsOf(subject);
  const isShared = typeof SharedArrayBuffer !== "undefined" && subject.buffer() instanceof SharedArrayBuffer;
  if (claimed === false) {
    if (isShared) throw broken("capable", "shared is not claimed, but the heap is on shared memory");
    if (other === undefined) return ["no", `${LACKING}, not tried: no \`makeShared\` given`];
    return ["no", `${LACKING}: ${refusal(() => other.make(), "a heap on shared memory")}`];
  }
  const says = claimed === undefined ? "unknown" : "yes";
  if (other !== undefined)
    return [says, held(reached("shared", other.soak().operations, "operations on shared memory"))];
  return [says, isShared ? "held: the heap is on shared memory" : "not tried: no `makeShared` given"];
}

/** It must be refused with a code. */
function refusal(call: () => unknown, what: string): string {
  try {
    call();
  } catch (error) {
    const code = codeOf(error);
    if (code === "ERR_COMPOSITION" || code === "ERR_UNSUPPORTED") return `refused with ${code}`;
    throw broken("capable", `${what} is refused with ${describeError(error)}`, error);
  }
  throw broken("capable", `shared is not claimed, but ${what} could be made`);
}

function grow({ make, soak, run }: Case): Verdict {
  const subject = make();
  const { grow: claimed } = claimsOf(subject);
  if (claimed) return ["yes", held(reached("grow", soak({ grow: 30 }).growths, "growths"))];
  if (subject.grow === undefined) return ["no", LACKING];
  const asked = [1, 4096, 65536].map((bytes) => ({ op: "grow", bytes }) as const);
  const { growths } = run([{ op: "alloc", size: 16 }, ...asked]);
  if (growths > 0) throw broken("capable", "grow is not claimed, but grow() has grown the heap");
  return ["no", `${LACKING}: grow() is false`];
}

function foreignGrowth({ make, soak }: Case): Verdict {
  if (make().growForeign === undefined) return ["no", "not tried: nobody else can grow this memory"];
  const { foreignGrowths } = soak({ growForeign: 20, grow: 10 });
  // Not the heap's to claim: the memory may have reached its maximum.
  if (foreignGrowths === 0) return ["yes", "not tried: the memory did not grow"];
  return ["yes", held(`${foreignGrowths} growths`)];
}

function reset({ make, soak }: Case): Verdict {
  const subject = make();
  const { reset: claimed } = claimsOf(subject);
  if (claimed !== (subject.reset !== undefined))
    throw broken("capable", `reset is ${claimed ? "claimed, but not there" : "there, but not claimed"}`);
  return [yesOrNo(claimed), claimed ? held(reached("reset", soak({ reset: 10 }).resets, "resets")) : LACKING];
}

function marks({ make, soak }: Case): Verdict {
  const subject = make();
  const { marks: claimed } = claimsOf(subject);
  if (claimed && subject.release === undefined)
    throw broken("capable", "marks are claimed: say where they are with the option `marks` of the subject");
  if (!claimed && subject.release !== undefined) throw broken("capable", "marks are there, but not claimed");
  if (!claimed) return ["no", LACKING];
  const { releases, refusedMarks } = soak({ mark: 60, release: 40, badMark: 30 });
  return ["yes", held(reached("marks", releases, "releases"), reached("marks", refusedMarks, "refused"))];
}

function restore({ make, restored }: Case): Verdict {
  if (make().snapshot === undefined) return ["no", LACKING];
  if (restored === undefined) return ["yes", "not tried: no `restore` given"];
  return ["yes", held(reached("restore", restored().operations, "operations on the copy"))];
}

function attach({ make, attached }: Case): Verdict {
  const subject = make();
  if (subject.descriptor === undefined) return ["no", LACKING];
  if (attached === undefined) return ["yes", "not tried: no `attach` given"];
  const how = subject.capabilities?.shared === false ? "in turn" : "at once";
  return ["yes", held(reached("attach", attached().operations, `operations, two agents ${how}`))];
}

/** A member that is there or not, and a count of how often the runs called it. */
function member(
  key: keyof Subject & string,
  countOf: (tally: Readonly<RunReport>) => number,
  name: string = key,
): Row {
  const judge: Judge = ({ make, tally }) => {
    const subject = make();
    if (subject[key] === undefined) return ["no", LACKING];
    // Its old block could not end.
    if (key === "realloc" && subject.frees === "none") return ["yes", "not tried: no block can be freed"];
    return ["yes", held(reached(name, countOf(tally), "calls"))];
  };
  return { name, judge };
}

/** Every row, in the order it is printed. */
export const CAPABILITIES: readonly Row[] = [
  { name: "free", judge: free },
  ...MISUSE.map((kind) => ({ name: `detects ${kind}`, judge: detects(kind) })),
  { name: "maxAlign", judge: maxAlign },
  { name: "shared", judge: shared },
  { name: "grow", judge: grow },
  { name: "growth by others", judge: foreignGrowth },
  { name: "reset", judge: reset },
  { name: "marks", judge: marks },
  member("realloc", ({ reallocations }) => reallocations),
  member("dup", ({ dups }) => dups),
  member("blocks", ({ audits }) => audits),
  member("check", ({ checks }) => checks),
  member("totals", ({ checks }) => checks, "byte counts"),
  { name: "snapshot and restore", judge: restore },
  { name: "attach", judge: attach },
];
