// Compiles the C programs and writes the modules that are committed. Needs clang and wasm-ld; see install-clang.mjs.
import { statSync } from "node:fs";
import { compileGuest, GUESTS } from "./lib/guests.mjs";

for (const source of GUESTS) {
  const output = source.replace(/\.c$/, ".wasm");
  compileGuest(source, output);
  console.log(`${output}: ${statSync(output).size} bytes`);
}
