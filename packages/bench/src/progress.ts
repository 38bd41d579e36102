/**
 * Progress on stderr: a bar that redraws itself where somebody watches a terminal, else one plain line per part of the
 * work, so that a log stays short.
 */
import cliProgress from "cli-progress";
import type { Progress } from "./schedule.js";

export interface ProgressDisplay {
  /** Shows progress of one part; the parts share the display one after the other. */
  readonly show: Progress;
  /** Leaves the terminal clean. */
  stop(): void;
}

interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

function barDisplay(): ProgressDisplay {
  const bar = new cliProgress.SingleBar(
    {
      format: "{bar} {percentage}%  {what}",
      barsize: 30,
      hideCursor: true,
      clearOnComplete: true,
      // Ctrl-C is the command line's to handle.
      gracefulExit: false,
      stream: process.stderr,
    },
    cliProgress.Presets.shades_classic,
  );
  let total = -1;
  return {
    show(done, of, what) {
      if (of !== total) {
        if (total >= 0) bar.stop();
        total = of;
        bar.start(of, done, { what });
      }
      bar.update(done, { what });
    },
    stop() {
      if (total >= 0) bar.stop();
      total = -1;
    },
  };
}

function lineDisplay(output: Output): ProgressDisplay {
  const start = performance.now();
  let shown = "";
  return {
    show(done, total, what) {
      const part = what.split(":")[0];
      if (part === shown) return;
      shown = part;
      const percent = Math.floor((100 * done) / total);
      output.write(
        `${((performance.now() - start) / 1000).toFixed(0).padStart(4)} s  ${String(percent).padStart(3)} %  ${part}\n`,
      );
    },
    stop() {},
  };
}

export function createProgress(output: Output = process.stderr): ProgressDisplay {
  return output.isTTY === true ? barDisplay() : lineDisplay(output);
}
