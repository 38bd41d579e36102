// Run after tsup: writes the types of the subpaths, each of which is the package of its name.
import { readFileSync, writeFileSync } from "node:fs";

const { exports } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));
for (const path of Object.keys(exports)) {
  const name = /^\.\/([a-z]+)$/.exec(path)?.[1];
  if (name === undefined) continue;
  for (const extension of ["d.ts", "d.cts"]) {
    writeFileSync(
      new URL(`dist/${name}.${extension}`, import.meta.url),
      `export * from "@heapwright/${name}";\n`,
    );
  }
}
