// Builds the documentation site into `site/`, or where `--out` says, and tests every link in it. Needs no build of the packages, no
// network, and no git.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildSite } from "./lib/site/build.mjs";
import { root } from "./lib/workspace.mjs";

const { values } = parseArgs({ options: { out: { type: "string", default: join(root, "site") } } });
await buildSite(values.out);
