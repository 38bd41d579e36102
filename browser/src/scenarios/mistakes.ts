/** What goes wrong where no scenario sees it: the harness has to. */
import { pause, start } from "../agents.js";

const KINDS = ["console", "uncaught", "rejected"] as const;
export type Mistake = (typeof KINDS)[number];

function make(kind: Mistake, where: string): void {
  if (kind === "console") console.error(`${kind} ${where}`);
  else if (kind === "rejected") void Promise.reject(new Error(`${kind} ${where}`));
  else
    setTimeout(() => {
      throw new Error(`${kind} ${where}`);
    });
}

export async function mistakes({ kind, where }: { kind: Mistake; where: "page" | "worker" }): Promise<void> {
  if (where === "page") make(kind, where);
  else start("mistake", { kind }).done.catch(() => {});
  await pause(300);
}

export async function mistakeRole({ kind }: { kind: Mistake }): Promise<void> {
  make(kind, "worker");
  await pause(100);
}
