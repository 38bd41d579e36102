/** A strategy made slower whenever it allocates, to see whether `compare` finds it. */
import { writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

/**
 * Writes a target's module: the bundled one of this name, which before every eighth allocation also multiplies `steps` numbers in a row,
 * each by the last. Frees are left alone: a function around each of them would cost too much by itself.
 * @param {{ path: string, index: string, strategy: string, name: string, steps: number }} options `index` is the built package.
 */
export async function writeSlow({ path, index, strategy, name, steps }) {
  await writeFile(
    path,
    `import { loadTarget } from ${JSON.stringify(pathToFileURL(index).href)};
const module = await loadTarget(${JSON.stringify(strategy)});
let allocation = 0;
let product = 1;
function burn() {
  if ((++allocation & 7) !== 0) return;
  let x = product;
  for (let i = 0; i < ${steps}; i++) x = Math.imul(x, 747796405) | 1;
  product = x;
}
export default {
  ...module,
  name: ${JSON.stringify(name)},
  async create(bytes) {
    const { malloc, calloc, realloc, memalign, ...rest } = await module.create(bytes);
    return {
      ...rest,
      malloc: (size) => (burn(), malloc(size)),
      calloc: (size) => (burn(), calloc(size)),
      realloc: (ptr, size) => (burn(), realloc(ptr, size)),
      memalign: (align, size) => (burn(), memalign(align, size)),
    };
  },
};
`,
  );
}
