/** What TypeScript accepts. Type-level tests: nothing here runs. */
import { createHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { expectTypeOf, it } from "vitest";
import { type GuestRegion, guestRegion, type MallocFunctions, mallocImports } from "./index.js";

declare const module: WebAssembly.Module;
declare const print: (value: number) => void;

it("the imports are WebAssembly's, alone and beside others", () => {
  const { imports, bind } = mallocImports();
  const instance = new WebAssembly.Instance(module, imports);
  new WebAssembly.Instance(module, { env: { ...imports.env, print } });
  expectTypeOf(imports.env).toEqualTypeOf<MallocFunctions>();
  const region = guestRegion(instance.exports, { room: 100_000 });
  expectTypeOf(region).toEqualTypeOf<GuestRegion>();
  bind(createHeap({ ...region, strategy: hyperheap(), growth: { max: 1 << 24 } }), instance.exports);
  // @ts-expect-error: not a heap
  bind(region);
});

it("the module they are imported from has its name", () => {
  const { imports } = mallocImports({ module: "host" });
  expectTypeOf(imports).toEqualTypeOf<{ readonly host: MallocFunctions }>();
  // @ts-expect-error: no such module
  imports.env;
  // @ts-expect-error: a function
  mallocImports({ onError: "report" });
});
