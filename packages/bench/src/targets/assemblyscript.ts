/**
 * AssemblyScript's TLSF (`rt/tlsf`), which every AssemblyScript program carries: `assembly/tlsf.ts` exports it and the
 * build compiles it from the npm package with -O3. It doubles its memory when that is full; past the maximum it traps
 * instead of answering 0.
 */
import { readFileSync } from "node:fs";
import { built } from "../assets.js";
import type { Target, TargetModule } from "./target.js";
import { growTo, startWasm } from "./wasm.js";

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
  async create(bytes) {
    const peer = await startWasm(built("tlsf.wasm"), {
      bytes,
      functions: {
        abort() {
          throw new Error("abort");
        },
      },
    });
    // As large from the start as the others' memories; it takes what it finds at its first call.
    growTo(peer.memory, bytes);
    const target: Target = {
      malloc: peer.call("malloc"),
      calloc: peer.call("calloc"),
      realloc: peer.call("realloc"),
      memalign: () => 0,
      free: peer.call("free"),
      buffer: () => peer.memory.buffer,
    };
    return target;
  },
};
export default assemblyscript;
