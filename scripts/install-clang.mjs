// Brings the compiler of the C programs in the tests: Debian's packages `clang` and `lld`, by apt-get. Does nothing where both are there
// already; ends with 1 and says why where they cannot be brought. Only the test that compiles needs them: the modules are committed.
import { aptInstall } from "./lib/apt.mjs";
import { onPath } from "./lib/workspace.mjs";

const isThere = () => onPath("clang") && onPath("wasm-ld");

const reason = isThere()
  ? undefined
  : (aptInstall("clang", "lld") ?? (isThere() ? undefined : "they brought none"));
if (reason !== undefined) {
  console.error(`no clang with wasm-ld: ${reason}`);
  process.exitCode = 1;
}
