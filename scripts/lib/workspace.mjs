// What the scripts know of the workspace: its packages, how to start pnpm, how to pack.
import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's directory. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** The root package.json. */
export const rootManifest = readJson(join(root, "package.json"));

export function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** Every package that gets published: `{ name, folder, dir, manifest }`, by folder name. */
export function publishablePackages() {
  return readdirSync(join(root, "packages"))
    .sort()
    .map((folder) => ({ folder, dir: join(root, "packages", folder) }))
    .filter(({ dir }) => exists(join(dir, "package.json")))
    .map((entry) => ({ ...entry, manifest: readJson(join(entry.dir, "package.json")) }))
    .filter(({ manifest }) => manifest.private !== true)
    .map((entry) => ({ ...entry, name: entry.manifest.name }));
}

/**
 * Runs a command and returns its standard output. When it fails, throws an Error that carries all it printed.
 * @param {string[]} command
 * @param {{ cwd?: string, env?: Record<string, string> }} [options]
 */
export function run([file, ...args], { cwd = root, env = {} } = {}) {
  const result = spawnSync(file, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: "utf8",
    maxBuffer: 1 << 28,
    shell: process.platform === "win32" && file !== process.execPath,
  });
  if (result.error) throw result.error;
  if (result.status === 0) return result.stdout;
  const printed = `${result.stdout}${result.stderr}`.trim();
  throw new Error(
    `${[file, ...args].join(" ")}\nended with ${result.signal ?? `exit code ${result.status}`}\n${printed}`,
  );
}

/** True when a program of that name is on the PATH. */
export function onPath(name) {
  const suffix = process.platform === "win32" ? ".cmd" : "";
  return (process.env.PATH ?? "")
    .split(delimiter)
    .some((dir) => exists(join(dir, name + suffix), constants.X_OK));
}

/**
 * How to start pnpm: the one that started this script, else the one on the PATH, else the pinned one through npx.
 * @returns {string[]} program and leading arguments
 */
export function pnpmCommand() {
  const starter = process.env.npm_execpath ?? "";
  if (/pnpm\.c?js$/.test(starter)) return [process.execPath, starter];
  if (onPath("pnpm")) return ["pnpm"];
  return ["npx", "-y", rootManifest.packageManager];
}

/**
 * Packs every publishable package as `pnpm publish` would, into `dir`.
 * @returns {{ name: string, folder: string, manifest: object, tarball: string }[]} `manifest` is the one in the tarball
 */
export function packAll(dir) {
  return publishablePackages().map(({ name, folder, dir: cwd }) => {
    const tarball = join(dir, `${folder}.tgz`);
    run([...pnpmCommand(), "pack", "--out", tarball], { cwd });
    const manifest = JSON.parse(run(["tar", "-xOzf", tarball, "package/package.json"]));
    return { name, folder, manifest, tarball };
  });
}

/** Calls `body` with the path of a new empty directory and removes it afterwards. */
export async function withTempDir(body) {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "heapwright-")));
  try {
    return await body(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Counts what passed and what failed, a line each, and ends the process with 1 if anything failed. */
export function report() {
  const counts = { passed: 0, failed: 0 };
  return {
    /** Runs `body`; what it throws, or the lines it returns, is a failure of `name`. */
    check(name, body) {
      let findings;
      try {
        findings = body() ?? [];
      } catch (error) {
        findings = [error instanceof Error ? error.message : String(error)];
      }
      counts[findings.length === 0 ? "passed" : "failed"]++;
      console.log(`${findings.length === 0 ? "ok  " : "FAIL"}  ${name}`);
      for (const finding of findings) console.log(finding.replace(/^/gm, "      "));
      return findings.length === 0;
    },
    end() {
      console.log(`${counts.passed} passed, ${counts.failed} failed`);
      if (counts.failed > 0 || counts.passed === 0) process.exitCode = 1;
    },
  };
}

function exists(path, mode = constants.F_OK) {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
