/**
 * Starting other people's wasm without their glue: their exports are what gets called, nothing in between. Imports
 * that an allocator never calls answer 0; the memory is made here where it is imported.
 */
import { readFile } from "node:fs/promises";
import type { Target } from "./target.js";

/** The part of the WebAssembly API used here; Node's types leave it to the `dom` library. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(
    module: object,
    imports: object,
  ): Promise<{ readonly exports: { readonly [name: string]: unknown } }>;
  readonly Module: { imports(module: object): { module: string; name: string; kind: string }[] };
  readonly Memory: new (limits: { initial: number; maximum: number }) => WasmMemory;
};

const PAGE_BYTES = 65536;
/** Largest memory given to a peer: 1 GiB. */
const MAX_PAGES = 16384;

export type WasmFunction = (...args: number[]) => number;

export interface WasmPeer {
  readonly memory: WasmMemory;
  /** An exported function; throws if there is none of that name. */
  call(name: string): WasmFunction;
}

/**
 * Leaves a fresh allocator the last `bytes` bytes of its memory, a multiple of 16: one block, which stays, takes all before
 * them. So an allocator whose memory comes in pages of 64 KiB, or cannot be as small as a trace needs, gets any size.
 */
export function leaveLast(bytes: number, { malloc, free, buffer }: Target): void {
  const first = malloc(16);
  free(first);
  const ballast = buffer().byteLength - bytes - first;
  if (ballast > 0 && malloc(ballast) === 0) throw new Error(`no block of ${ballast} bytes`);
}

/** What the module asks for besides functions, made for this instance. */
export interface WasmOptions {
  /** Size of an imported memory. */
  readonly bytes: number;
  /** It must not grow. */
  readonly fixed?: boolean;
  /** Functions the module does call, by import name. */
  readonly functions?: { readonly [name: string]: WasmFunction };
  /** Memory of another instance to work on. */
  readonly memory?: WasmMemory;
}

/** A memory of its own, of `bytes` now; it may grow to 1 GiB unless it is fixed. */
export function createWasmMemory(bytes: number, fixed = false): WasmMemory {
  const initial = Math.ceil(bytes / PAGE_BYTES);
  return new WebAssembly.Memory({ initial, maximum: fixed ? initial : MAX_PAGES });
}

/** Grows a memory until it has `wanted` bytes; false beyond its maximum. */
export function growTo(memory: WasmMemory, wanted: number): boolean {
  const missing = Math.ceil((wanted - memory.buffer.byteLength) / PAGE_BYTES);
  if (missing <= 0) return true;
  try {
    memory.grow(missing);
    return true;
  } catch {
    return false;
  }
}

export async function startWasm(path: string, options: WasmOptions): Promise<WasmPeer> {
  const module = await WebAssembly.compile(await readFile(path));
  let memory = options.memory;
  const imports: Record<string, Record<string, unknown>> = {};
  for (const { module: space, name, kind } of WebAssembly.Module.imports(module)) {
    imports[space] ??= {};
    if (kind === "memory") {
      memory ??= createWasmMemory(options.bytes, options.fixed);
      imports[space][name] = memory;
    } else if (kind === "function") {
      imports[space][name] = options.functions?.[name] ?? (() => 0);
    } else {
      throw new Error(`${path} imports the ${kind} ${name}`);
    }
  }
  const { exports } = await WebAssembly.instantiate(module, imports);
  const { memory: exported } = exports;
  return {
    memory: memory ?? (exported as WasmMemory),
    call(name) {
      const found = exports[name];
      if (typeof found !== "function") throw new Error(`${path} exports no function ${name}`);
      return found as WasmFunction;
    },
  };
}
