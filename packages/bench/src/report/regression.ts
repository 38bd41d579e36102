/** What `compare` found, for people. */
import { CERTAIN, type Change, type Regression } from "../regression/regression.js";
import { layOut, numbers, wrap } from "./layout.js";

/** `+3.1 %`: how much longer it takes now. */
export function percentText(ratio: number): string {
  const percent = (ratio - 1) * 100;
  const text = Math.abs(percent) < 100 ? percent.toFixed(1) : percent.toFixed(0);
  return `${Number(text) === 0 ? text.replace("-", "") : percent > 0 ? `+${text}` : text} %`;
}

/** Below one in a thousand there is no use for more digits. */
function pText(p: number): string {
  return p < 0.001 ? "<0.001" : p.toFixed(3);
}

const VERDICTS = { slower: "SLOWER", faster: "faster", same: "" } as const;

function rowOf({ allocator, trace, ratio, low, high, p, verdict, processes }: Change): string[] {
  const name = trace === undefined ? allocator : `  ${trace}`;
  const interval = `${percentText(low)} … ${percentText(high)}`;
  return [name, processes.join(" : "), percentText(ratio), interval, pText(p), VERDICTS[verdict]];
}

function verdictText({ changes, lost, threshold }: Regression): string {
  const name = ({ allocator, trace }: { allocator: string; trace?: string | undefined }): string =>
    trace === undefined ? allocator : `${allocator} on ${trace}`;
  const sentences: string[] = [];
  for (const verdict of ["slower", "faster"] as const) {
    const these = changes.filter((change) => change.verdict === verdict);
    if (these.length > 0)
      sentences.push(
        `${verdict}: ${these.map((each) => `${name(each)} ${percentText(each.ratio)}`).join(", ")}`,
      );
  }
  if (lost.length > 0)
    sentences.push(`lost: ${lost.map((each) => `${name(each)} (${each.reason})`).join(", ")}`);
  if (sentences.length === 0) return `Nothing changed by ${threshold} % or more that would be certain.`;
  const text = sentences.join("; ");
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}

export function regressionTable(regression: Regression): string {
  const { changes, tests, threshold, references, differences, leftOut } = regression;
  const head = ["", "processes", "time", "95 %", "p", ""];
  const rules = changes.flatMap(({ trace }, i) => (i > 0 && trace === undefined ? [i] : []));
  const several = changes.some(({ trace }) => trace !== undefined);
  const notes = [
    "processes: in the old result and in the new one. time: of an operation, new against old, from each process's fastest round" +
      (references.length > 0
        ? ` over ${references.join(" and ")} of the same seconds`
        : "; no reference is in both, so a change of the machine counts as one of the code") +
      "; median of all differences between an old process and a new one" +
      (several ? ", an allocator's own row the mean over its traces" : "") +
      ". 95 %: bootstrap over processes.",
    `p: Mann and Whitney's test, corrected by Holm's method for ${tests === 1 ? "one test" : `all ${tests} tests here`}. A change counts with p below ${CERTAIN} and at least ` +
      `${threshold} %${several ? `, on a single trace ${2 * threshold} %` : ""}.`,
    ...(differences.length > 0
      ? [`The two results differ in more than the code: ${differences.join("; ")}.`]
      : []),
    ...(leftOut.length > 0 ? [`Left out: ${leftOut.join("; ")}.`] : []),
  ];
  const table = changes.length === 0 ? [] : [layOut(head, numbers(head), changes.map(rowOf), rules), ""];
  return [...table, ...notes.map(wrap), "", wrap(verdictText(regression))].join("\n");
}
