// Builds the documentation site into `site/`, or where `--out` says, and tests every link in it. Needs no built packages, no network
// and no git. Ends with 1 on whatever TypeDoc warns of, and on a link that leads nowhere.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildSite } from "./lib/site/build.mjs";
import { checkLinks } from "./lib/site/links.mjs";
import { root } from "./lib/workspace.mjs";

const { values } = parseArgs({ options: { out: { type: "string", default: join(root, "site") } } });
try {
  await buildSite(values.out);
  const { pages, links, findings } = checkLinks(values.out);
  for (const finding of findings) console.error(finding);
  console.log(`${pages} pages, ${links} links, ${findings.length} of them broken`);
  if (findings.length > 0) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
