// The C programs in the repository and how they are compiled: without a libc, their allocator imported from the host.
import { join } from "node:path";
import { root, run } from "./workspace.mjs";

/** The sources; the module that is committed lies beside each. */
export const GUESTS = ["examples/wasm-bug/words.c", "packages/wasm/src/fixtures/guest.c"].map((path) =>
  join(root, path),
);

const FLAGS = [
  "--target=wasm32",
  "-std=c11",
  "-O2",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-ffreestanding",
  "-fno-builtin",
  "-nostdlib",
  "-Wl,--no-entry",
  "-Wl,--allow-undefined",
  "-Wl,--export=__heap_base",
  "-Wl,--stack-first",
  "-Wl,--strip-all",
  "-Wl,-z,stack-size=16384",
];

/** Compiles a program to `output`. Throws what clang has printed. */
export function compileGuest(source, output) {
  run(["clang", ...FLAGS, "-o", output, source]);
}
