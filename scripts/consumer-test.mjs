// Packs every publishable package and uses the tarballs as somebody else's project would: installed by npm into an empty
// directory, run as ESM, as CJS and mixed in one program, compiled from TypeScript, and bundled for a page in a browser.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import { printedInBrowser } from "./lib/in-browser.mjs";
import { packAll, readJson, report, root, rootManifest, run, withTempDir } from "./lib/workspace.mjs";

/** Packages that need others next to them; they get a project of their own, so that the first one stays empty. */
const NEED_OTHERS = ["bench", "conformance"];

/** Without it, `require` finds the CJS copy, as on every Node before 20.19; with it, both find the ESM copy. */
const NO_REQUIRE_ESM = "--no-experimental-require-module";

const TYPESCRIPTS = ["typescript-5.7", "typescript"];

/** Compiler options, and which of a project's `types-*` files are compiled with them. */
const RESOLUTIONS = {
  node16: { options: { module: "node16", moduleResolution: "node16" }, files: /^types-.*\.c?ts$/ },
  bundler: { options: { module: "esnext", moduleResolution: "bundler" }, files: /^types-.*\.ts$/ },
};

const { check, end } = report();

/** Runs `use` on a project with the files of `scripts/consumer/name`, if `install` can be installed in it at all. */
function inProject(dir, name, install, use) {
  const cwd = join(dir, name);
  const installed = check(`npm installs the project "${name}"`, () => {
    mkdirSync(cwd);
    writeFileSync(join(cwd, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
    run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", ...install], { cwd });
    cpSync(join(root, "scripts", "consumer", name), cwd, { recursive: true });
  });
  return installed ? use(cwd) : undefined;
}

/** Compiles the `types-*` files of a project as strictly as a consumer can ask for, with each TypeScript. */
function checkTypes(cwd, project) {
  const strictest = { lib: ["es2022"], types: [], skipLibCheck: false, strict: true };
  for (const typescript of TYPESCRIPTS) {
    const { version } = readJson(join(root, "node_modules", typescript, "package.json"));
    for (const [resolution, { options, files }] of Object.entries(RESOLUTIONS)) {
      check(`TypeScript ${version} compiles the project "${project}" under ${resolution}`, () => {
        const tsconfig = `tsconfig.${resolution}.json`;
        const compilerOptions = { ...strictest, ...options, target: "es2022", noEmit: true };
        const selected = readdirSync(cwd).filter((name) => files.test(name));
        writeFileSync(join(cwd, tsconfig), JSON.stringify({ compilerOptions, files: selected }));
        const tsc = join(root, "node_modules", typescript, "bin", "tsc");
        run([process.execPath, tsc, "-p", tsconfig], { cwd });
      });
    }
  }
}

function checkPlain(cwd) {
  const node = (...args) => void run([process.execPath, ...args], { cwd });

  check("installing brings nothing but our packages", () =>
    readdirSync(join(cwd, "node_modules"))
      .filter((name) => !name.startsWith(".") && name !== "@heapwright" && name !== "heapwright")
      .map((name) => `node_modules/${name}`),
  );
  check("ESM", () => node("esm.mjs"));
  check("CJS that gets the ESM copy (module-sync)", () => node("cjs.cjs"));
  check("CJS that gets the CJS copy", () => node(NO_REQUIRE_ESM, "cjs.cjs"));
  check("mixed, one copy for both (module-sync)", () => node("mixed.mjs", "one"));
  check("mixed, two copies", () => node(NO_REQUIRE_ESM, "mixed.mjs", "two"));
  checkTypes(cwd, "plain");
}

function checkTools(cwd, packed) {
  check(
    "the conformance kit and the profile writer, imported and required, in somebody else's vitest",
    () => {
      run(["npx", "vitest", "run"], { cwd });
    },
  );
  const kit = (...args) => void run([process.execPath, ...args], { cwd });
  check("the conformance kit imported by plain Node", () => kit("conformance-plain.mjs"));
  check("the conformance kit required by plain Node", () => kit(NO_REQUIRE_ESM, "conformance-plain.cjs"));
  checkTypes(cwd, "tools");
  for (const { name, manifest } of packed) {
    for (const bin of Object.keys(manifest.bin ?? {})) {
      check(`${name}: ${bin} --help`, () => {
        const help = run(["npx", bin, "--help"], { cwd });
        return help.includes(bin) ? [] : [`does not name the command:\n${help}`];
      });
    }
  }
}

/** The first program of a README, and the lines it says it prints. */
function firstProgram(readme) {
  const code = /```ts\n([\s\S]*?)```/.exec(readFileSync(readme, "utf8"))?.[1] ?? "";
  return { code, prints: [...code.matchAll(/\/\/=> ?(.*)$/gm)].map(([, text]) => text.trimEnd()) };
}

/** A new user: an empty directory, the front door installed, the first program of its README copied. */
async function checkDoor(cwd) {
  const { code, prints } = firstProgram(join(cwd, "node_modules", "heapwright", "README.md"));
  const differs = (printed) =>
    prints.length > 0 && String(printed) === String(prints) ? [] : [`printed ${printed}, not ${prints}`];
  const runs = (...args) =>
    differs(
      run([process.execPath, ...args], { cwd })
        .trimEnd()
        .split("\n"),
    );
  const required = code.replace(/^import (.*) from (".*");$/gm, "const $1 = require($2);");
  writeFileSync(join(cwd, "first.mjs"), code);
  writeFileSync(join(cwd, "first.cjs"), required);
  const globals = "declare const console: { log(...values: readonly unknown[]): void };\n";
  writeFileSync(join(cwd, "types-first.ts"), globals + code);

  check("the README's first program: ESM", () => runs("first.mjs"));
  check("the README's first program: CJS that gets the ESM copy", () => runs("first.cjs"));
  check("the README's first program: CJS that gets the CJS copy", () => runs(NO_REQUIRE_ESM, "first.cjs"));
  check("the README's first program: compiled from TypeScript", () => {
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const options = [
      "--module",
      "node16",
      "--target",
      "es2022",
      "--lib",
      "es2022",
      "--outDir",
      "compiled",
      "--strict",
    ];
    run([process.execPath, tsc, ...options, "types-first.ts"], { cwd });
    return runs(join("compiled", "types-first.js"));
  });
  checkTypes(cwd, "door");
  check("every subpath: ESM", () => void run([process.execPath, "subpaths.mjs"], { cwd }));
  check(
    "every subpath: CJS that gets the ESM copy",
    () => void run([process.execPath, "subpaths.cjs"], { cwd }),
  );
  check(
    "every subpath: CJS that gets the CJS copy",
    () => void run([process.execPath, NO_REQUIRE_ESM, "subpaths.cjs"], { cwd }),
  );

  for (const [name, bundle] of Object.entries(BUNDLERS)) {
    const outcome = await bundle(cwd)
      .then(printedInBrowser)
      .catch((error) => error);
    check(
      `the README's first program: bundled by ${name}, on a page that is not cross-origin isolated`,
      () => {
        if (outcome instanceof Error) throw outcome;
        const { printed, problems, isolated } = outcome;
        return [...differs(printed), ...problems, ...(isolated ? ["the page is isolated"] : [])];
      },
    );
  }
}

/** Each bundles `first.mjs` and answers with the folder of a page that runs it. */
const BUNDLERS = {
  async esbuild(cwd) {
    const outdir = join(cwd, "by-esbuild");
    await esbuild({
      absWorkingDir: cwd,
      entryPoints: ["first.mjs"],
      outdir,
      bundle: true,
      minify: true,
      format: "iife",
      platform: "browser",
      logLevel: "error",
    });
    writeFileSync(join(outdir, "index.html"), page('<script src="first.js"></script>'));
    return outdir;
  },
  async vite(cwd) {
    const outDir = join(cwd, "by-vite");
    writeFileSync(join(cwd, "index.html"), page('<script type="module" src="/first.mjs"></script>'));
    await vite({ root: cwd, configFile: false, logLevel: "error", build: { outDir } });
    return outDir;
  },
};

function page(script) {
  return `<!doctype html><meta charset="utf-8"><title>first</title><link rel="icon" href="data:,">\n<body>${script}</body>\n`;
}

await withTempDir(async (dir) => {
  const packed = packAll(dir);
  const tarballs = packed.map(({ tarball }) => tarball);
  const plain = packed.filter(({ folder }) => !NEED_OTHERS.includes(folder)).map(({ tarball }) => tarball);
  const { vitest, "fast-check": fastCheck } = rootManifest.devDependencies;
  const { "pprof-format": pprofFormat } = readJson(
    join(root, "packages", "stats", "package.json"),
  ).devDependencies;
  const peers = [`vitest@${vitest}`, `fast-check@${fastCheck}`, `pprof-format@${pprofFormat}`];

  inProject(dir, "plain", plain, checkPlain);
  await inProject(dir, "door", plain, checkDoor);
  inProject(dir, "tools", [...tarballs, ...peers], (cwd) => checkTools(cwd, packed));
});
end();
