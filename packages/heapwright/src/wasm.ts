export * from "@heapwright/wasm";
