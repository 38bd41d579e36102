/**
 * The allocator of Rust programs in wasm: the dlmalloc that is Rust's standard library's there (the crate `dlmalloc`, a port of dlmalloc 2.8 to
 * Rust), taken from a module that npm really ships. `@wasm-bindgen` modules export it as `__wbindgen_malloc`, `__wbindgen_realloc` and
 * `__wbindgen_free`, and every string that goes into one passes through them; brotli-dec-wasm is a small one.
 *
 * How it is known to be that: `rust.test.ts` reads its chunk headers, and the crate's name in the module.
 *
 *      p - 8                 p - 4                    p
 *      ├─────────────────────┼────────────────────────┼─────────────
 *      │ prev_foot           │ size | CINUSE | PINUSE │ payload             as in dlmalloc.ts
 *      └─────────────────────┴────────────────────────┴─────────────
 *
 * Rust hands a block's size along when it frees it, and the crate compares it with the chunk's. A C caller has none: it is read from the chunk's
 * header here, which costs about 1 ns a free.
 */
import { resolveDependency, versionOf } from "../assets.js";
import type { Target, TargetModule } from "./target.js";
import { startWasm } from "./wasm.js";
import { zero } from "./zero.js";

const PACKAGE = "brotli-dec-wasm";
const ALIGNMENT = 8;
/** Before the payload. */
const HEADER = 4;
/** In the header's word beside the size. */
const FLAGS = 7;

const rust: TargetModule = {
  name: "dlmalloc-rs",
  about: `Rust's dlmalloc in wasm, as ${PACKAGE} ships and exports it through wasm-bindgen`,
  notes: [
    "no calloc: malloc and zeroing from JS; a free reads the size that Rust would know from the chunk; blocks are 8-aligned",
  ],
  alignment: ALIGNMENT,
  maxAlign: 4096,
  version: () => `${PACKAGE} ${versionOf(PACKAGE)}`,
  // Layouts of 2 GiB and more panic, which is a trap.
  isExhaustion: (error) => error instanceof Error && /unreachable/.test(error.message),
  async create(bytes) {
    const { memory, call } = await startWasm(resolveDependency(`${PACKAGE}/web/bg.wasm`), { bytes });
    const allocate = call("__wbindgen_malloc");
    const reallocate = call("__wbindgen_realloc");
    const release = call("__wbindgen_free");
    let u8 = new Uint8Array(memory.buffer);
    let i32 = new Int32Array(memory.buffer);
    /** After a growth the views are of length 0. */
    const refresh = (): void => {
      u8 = new Uint8Array(memory.buffer);
      i32 = new Int32Array(memory.buffer);
    };
    const sizeOf = (ptr: number): number => {
      if (i32.length === 0) refresh();
      return (i32[(ptr - HEADER) >> 2] & ~FLAGS) - HEADER;
    };
    const target: Target = {
      malloc: (size) => allocate(size, ALIGNMENT),
      free(ptr) {
        release(ptr, sizeOf(ptr), ALIGNMENT);
      },
      calloc(size) {
        const ptr = allocate(size, ALIGNMENT);
        if (ptr === 0) return 0;
        if (u8.length === 0) refresh();
        zero(u8, i32, ptr, size);
        return ptr;
      },
      realloc: (ptr, size) => reallocate(ptr, sizeOf(ptr), size, ALIGNMENT),
      memalign: (align, size) => allocate(size, align),
      buffer: () => memory.buffer,
    };
    // As large from the start as the others' memory.
    target.free(target.malloc(bytes));
    return target;
  },
};
export default rust;
