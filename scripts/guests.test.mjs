/** The modules that are committed are what their C sources say: compiled anew, they make the same calls, for the same blocks. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createHeap } from "../packages/core/src/index.js";
import { hyperheap } from "../packages/hyperheap/src/index.js";
import { strict } from "../packages/strict/src/index.js";
import { makeGuest } from "../packages/wasm/src/fixtures/guest.js";
import { guestRegion, mallocImports } from "../packages/wasm/src/index.js";
import { compileGuest, GUESTS } from "./lib/guests.mjs";
import { root } from "./lib/root.js";

const dir = mkdtempSync(join(tmpdir(), "heapwright-guests-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

beforeAll(() => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts/install-clang.mjs")], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
});

const sourceOf = (name) => {
  const found = GUESTS.find((path) => path.endsWith(`/${name}.c`));
  if (found === undefined) throw new Error(`no program ${name}`);
  return found;
};

/** Calls of a program, addresses from the heap's base on: a module may have more data than another one. */
function callsOf(module, seed) {
  const calls = [];
  const { exports, heap } = makeGuest({
    module,
    room: 400_000,
    onCall: ({ name, args, result }) => {
      const { base } = heap.region;
      const relative = (value) => (value >= base && heap.owns(value) ? value - base : value);
      // Where posix_memalign is to store its answer is C's affair.
      const shown = name === "posix_memalign" ? args.slice(1) : args;
      calls.push(`${name}(${shown.map(relative)}) ${result === undefined ? "" : relative(result)}`);
    },
  });
  exports.run(seed, 2000);
  exports.grow_pages(2);
  exports.run(seed, 500);
  exports.finish();
  calls.push(
    `${exports.get_faults()} faults, ${exports.get_refused()} refused, ${exports.spoiled_pages()} spoiled`,
  );
  return calls;
}

function described(module) {
  const sorted = (list) => [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
  return [sorted(WebAssembly.Module.imports(module)), sorted(WebAssembly.Module.exports(module))];
}

it.each(GUESTS.map((path) => /([^/]+)\.c$/.exec(path)?.[1]))(
  "%s.wasm has the source's imports and exports",
  (name) => {
    const output = join(dir, `${name}.wasm`);
    compileGuest(sourceOf(name), output);
    const fresh = new WebAssembly.Module(readFileSync(output));
    const committed = new WebAssembly.Module(readFileSync(sourceOf(name).replace(/\.c$/, ".wasm")));
    expect(described(committed)).toEqual(described(fresh));
  },
);

it("guest.wasm does what guest.c does", () => {
  const output = join(dir, "guest.wasm");
  compileGuest(sourceOf("guest"), output);
  const fresh = new WebAssembly.Module(readFileSync(output));
  const committed = new WebAssembly.Module(readFileSync(sourceOf("guest").replace(/\.c$/, ".wasm")));
  for (const seed of [1, 2, 77]) {
    const calls = callsOf(committed, seed);
    expect(calls.length).toBeGreaterThan(2000);
    expect(calls.at(-1)).toMatch(/^0 faults, \d+ refused, 0 spoiled$/);
    expect(callsOf(fresh, seed)).toEqual(calls);
  }
  expect(callsOf(committed, 3)).not.toEqual(callsOf(committed, 4));
});

it("words.wasm does what words.c does, its bug included", () => {
  const output = join(dir, "words.wasm");
  compileGuest(sourceOf("words"), output);
  const found = [output, sourceOf("words").replace(/\.c$/, ".wasm")].map((path) => {
    const findings = [];
    const onError = (error, { name }) => findings.push([name, error.code, error.block.size]);
    const { imports, bind } = mallocImports({ onError });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)), imports);
    const plugins = [strict({ stacks: "off" })];
    const heap = createHeap({ ...guestRegion(exports), strategy: hyperheap(), plugins });
    bind(heap, exports);
    const { ptr, bytes } = heap.string("One word, and one more; a WORD.");
    return [exports.count_words(ptr, bytes), ...findings];
  });
  expect(found[0]).toEqual(found[1]);
  expect(found[0].slice(0, 2)).toEqual([5, ["free", "ERR_HEAP_OVERFLOW", 3]]);
});

it("a program that does not compile says so", () => {
  expect(() => compileGuest(join(dir, "none.c"), join(dir, "none.wasm"))).toThrow(/none\.c/);
});
