// Packs every publishable package and uses the tarballs as somebody else's project would: installed by npm into an empty
// directory, run as ESM, as CJS and mixed in one program, and compiled from TypeScript.
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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
  if (installed) use(cwd);
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

await withTempDir((dir) => {
  const packed = packAll(dir);
  const tarballs = packed.map(({ tarball }) => tarball);
  const plain = packed.filter(({ folder }) => !NEED_OTHERS.includes(folder)).map(({ tarball }) => tarball);
  const { vitest, "fast-check": fastCheck } = rootManifest.devDependencies;
  const { "pprof-format": pprofFormat } = readJson(
    join(root, "packages", "stats", "package.json"),
  ).devDependencies;
  const peers = [`vitest@${vitest}`, `fast-check@${fastCheck}`, `pprof-format@${pprofFormat}`];

  inProject(dir, "plain", plain, checkPlain);
  inProject(dir, "tools", [...tarballs, ...peers], (cwd) => checkTools(cwd, packed));
});
end();
