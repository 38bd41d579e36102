/**
 * dlmalloc, the reference peer: Doug Lea's malloc as emscripten builds it into wasm by default, taken from a module
 * that npm really ships. `sqlite3.wasm` of @sqlite.org/sqlite-wasm is a release build and exports `malloc`, `free`,
 * `realloc` and `emscripten_builtin_memalign` under their own names; they are called as they are, without its glue.
 * (libsodium and sql.js export malloc and free only, sql.js under names that change from release to release.)
 *
 * How it is known to be dlmalloc: `dlmalloc.test.ts` reads the chunk headers and finds what only dlmalloc 2.8 has.
 *
 *      p - 8                 p - 4                    p                p + 4
 *      ├─────────────────────┼────────────────────────┼────────────────┼─────────────
 *      │ prev_foot: size of  │ size | CINUSE 2 |      │ payload, or fd │ payload, or bk
 *      │ a free left chunk   │ PINUSE 1               │ when free      │ when free
 *      └─────────────────────┴────────────────────────┴────────────────┴─────────────
 *
 * Chunks are max(16, round up(n + 4, 8)) bytes and lie side by side: in-use chunks lend their last word to the next
 * chunk's prev_foot. Freeing one writes the next chunk's prev_foot, clears its PINUSE bit and links fd and bk.
 *
 * `calloc` is not exported. A shim of a few wasm instructions (`assembly/calloc.ts`) calls `malloc` and `memory.fill`,
 * which is what dlmalloc's own does; the same from JS measured 1 to 2 ns more per operation.
 */
import { built, resolveDependency, versionOf } from "../assets.js";
import type { Target, TargetModule } from "./target.js";
import { growTo, leaveLast, startWasm } from "./wasm.js";

const PACKAGE = "@sqlite.org/sqlite-wasm";

/** The memory cannot be smaller: the module was linked so. */
const LEAST_BYTES = 8 << 20;
/** The module's own data and stack, at the memory's start. */
const OWN_BYTES = 1 << 20;

const dlmalloc: TargetModule = {
  name: "dlmalloc",
  about: `dlmalloc in wasm, as ${PACKAGE} ships and exports it: the reference`,
  notes: [
    "calloc is not exported: a wasm shim of malloc and memory.fill; blocks are 8-aligned (the others' 16)",
  ],
  alignment: 8,
  maxAlign: 4096,
  version: () => `${PACKAGE} ${versionOf(PACKAGE)}`,
  create: (bytes) => start(Math.max(bytes, LEAST_BYTES), false),
  async createLimited(bytes) {
    const target = await start(Math.max(bytes + OWN_BYTES, LEAST_BYTES), true);
    leaveLast(bytes, target);
    return target;
  },
};

async function start(bytes: number, fixed: boolean): Promise<Target> {
  const peer = await startWasm(resolveDependency(`${PACKAGE}/sqlite3.wasm`), {
    bytes,
    fixed,
    functions: {
      // Called by sbrk when the memory's end is reached; wasm passes a signed number.
      emscripten_resize_heap: (wanted) => (growTo(peer.memory, wanted >>> 0) ? 1 : 0),
    },
  });
  peer.call("__wasm_call_ctors")();
  const malloc = peer.call("malloc");
  const shim = await startWasm(built("calloc.wasm"), { bytes, memory: peer.memory, functions: { malloc } });
  return {
    malloc,
    calloc: shim.call("calloc"),
    realloc: peer.call("realloc"),
    memalign: peer.call("emscripten_builtin_memalign"),
    free: peer.call("free"),
    buffer: () => peer.memory.buffer,
  };
}
export default dlmalloc;
