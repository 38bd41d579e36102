/**
 * AssemblyScript's TLSF (`rt/tlsf`), which every AssemblyScript program carries: `assembly/tlsf.ts` exports it and the
 * build compiles it from the npm package with -O3. It doubles its memory when that is full; past the maximum it traps
 * instead of answering 0.
 */
import { readFileSync } from "node:fs";
import { built } from "../assets.js";
import type { Target, TargetModule } from "./target.js";
import { leaveLast, startWasm } from "./wasm.js";

/** The control structure, at the memory's start. */
const OWN_BYTES = 1 << 16;

const assemblyscript: TargetModule = {
  name: "as-tlsf",
  about: "AssemblyScript's TLSF in wasm, compiled from the npm package assemblyscript with -O3",
  alignment: 16,
  maxAlign: 16,
  version() {
    const { assemblyscript } = JSON.parse(readFileSync(built("wasm.json"), "utf8")) as {
      assemblyscript: string;
    };
    return `assemblyscript ${assemblyscript}`;
  },
  isExhaustion: (error) => error instanceof Error && /unreachable|abort/.test(error.message),
  create: (bytes) => start(bytes, false),
  async createLimited(bytes) {
    const target = await start(bytes + OWN_BYTES, true);
    leaveLast(bytes, target);
    return target;
  },
};

async function start(bytes: number, fixed: boolean): Promise<Target> {
  // The memory is as large from the start as the others'; the allocator takes what it finds at its first call.
  const peer = await startWasm(built("tlsf.wasm"), {
    bytes,
    fixed,
    functions: {
      abort() {
        throw new Error("abort");
      },
    },
  });
  return {
    malloc: peer.call("malloc"),
    calloc: peer.call("calloc"),
    realloc: peer.call("realloc"),
    memalign: () => 0,
    free: peer.call("free"),
    buffer: () => peer.memory.buffer,
  };
}
export default assemblyscript;
