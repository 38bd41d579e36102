import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { jsrManifest, sourcesOf, stage } from "./lib/jsr.mjs";
import { publishablePackages, withTempDir } from "./lib/workspace.mjs";

const write = (dir, files) => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
};

describe("sources for JSR", () => {
  it("are those that are reached, and name files", () =>
    withTempDir((dir) => {
      write(dir, {
        "src/index.ts": `export { a } from "./a.js";\nimport type { C } from './deep/c.js';\nexport const text = 'from "./a.js"';\n`,
        "src/a.ts": `import type { X } from "@heapwright/core";\nexport const a = () => import("./b.js"); // "./a.js"\n`,
        "src/b.ts": `import "./index.js";\n`,
        "src/deep/c.ts": `export type { D } from "../d.js";\n`,
        "src/d.ts": "export type D = 1;\n",
        "src/a.test.ts": `import "vitest";\n`,
      });
      const { files, packages } = sourcesOf(dir, ["src/index.ts"]);
      expect(Object.fromEntries(files)).toEqual({
        "src/index.ts": `export { a } from "./a.ts";\nimport type { C } from './deep/c.ts';\nexport const text = 'from "./a.js"';\n`,
        "src/a.ts": `import type { X } from "@heapwright/core";\nexport const a = () => import("./b.ts"); // "./a.js"\n`,
        "src/b.ts": `import "./index.ts";\n`,
        "src/deep/c.ts": `export type { D } from "../d.ts";\n`,
        "src/d.ts": "export type D = 1;\n",
      });
      expect([...packages]).toEqual(["@heapwright/core"]);
    }));

  it("have the versions, exports and dependencies of the package.json", () => {
    const manifest = {
      name: "@heapwright/x",
      version: "1.2.3",
      license: "MIT",
      exports: { ".": {}, "./pprof": {}, "./package.json": "./package.json" },
      peerDependencies: { "@heapwright/core": ">=0.1.0 <1.0.0", "pprof-format": "^2.1.0" },
    };
    expect(jsrManifest(manifest, new Map([["@heapwright/core", "0.4.0"]]))).toMatchObject({
      name: "@heapwright/x",
      version: "1.2.3",
      license: "MIT",
      exports: { ".": "./src/index.ts", "./pprof": "./src/pprof.ts" },
      imports: {
        "@heapwright/core": "jsr:@heapwright/core@^0.4.0",
        "pprof-format": "npm:pprof-format@^2.1.0",
      },
    });
  });

  it("say what is imported and no dependency", () =>
    withTempDir((dir) => {
      write(dir, {
        "in/src/index.ts": `import "lodash";\nimport "node:fs";\n`,
        "in/README.md": "",
        "in/LICENSE": "",
        "in/CHANGELOG.md": "",
      });
      const manifest = { name: "@heapwright/x", version: "1.0.0", exports: { ".": {} } };
      const [{ missing }] = stage(join(dir, "out"), [{ folder: "x", dir: join(dir, "in"), manifest }]);
      expect(missing.sort()).toEqual(["lodash", "node:fs"]);
    }));

  it("are no tests", () =>
    withTempDir((dir) => {
      const core = publishablePackages().filter(({ folder }) => folder === "core");
      const [{ files, missing }] = stage(dir, core);
      expect(missing).toEqual([]);
      expect(files).toContain("src/create.ts");
      expect(files.filter((file) => file.includes("test"))).toEqual([]);
      expect(readFileSync(join(dir, "core/src/index.ts"), "utf8")).not.toMatch(/from "\.[^"]*\.js"/);
    }));
});
