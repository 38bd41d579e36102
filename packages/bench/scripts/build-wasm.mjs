// Empties dist and compiles the AssemblyScript entries into it; tsup adds the rest. The compiler's version goes beside them.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = new URL("../", import.meta.url);
const entries = {
  tlsf: ["--runtime", "minimal", "--importMemory"],
  calloc: ["--runtime", "stub", "--importMemory"],
};

rmSync(new URL("dist/", root), { recursive: true, force: true });
mkdirSync(new URL("dist/", root), { recursive: true });
for (const [name, options] of Object.entries(entries)) {
  const files = [`assembly/${name}.ts`, "--outFile", `dist/${name}.wasm`, "--baseDir", fileURLToPath(root)];
  const { error, stderr } = await asc.main([...files, "-O3", ...options]);
  if (error) {
    console.error(`${stderr.toString()}${error.message}`);
    process.exit(1);
  }
}
writeFileSync(new URL("dist/wasm.json", root), `${JSON.stringify({ assemblyscript: asc.version })}\n`);
