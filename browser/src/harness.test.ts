/** The harness sees what goes wrong outside of a scenario, on the page and in its workers. */
import { expect, it } from "vitest";
import { inBrowser } from "./harness.js";

const open = inBrowser();

it.each(["page", "worker"] as const)(
  "errors in the %s that no scenario reports are problems",
  async (where) => {
    const page = await open("isolated");
    const kinds = ["console", "uncaught", "rejected"] as const;
    await Promise.all(kinds.map((kind) => page.run("mistakes", { kind, where })));
    const problems = page.problems.splice(0);
    for (const kind of kinds) expect(problems).toContainEqual(expect.stringContaining(`${kind} ${where}`));
  },
);
