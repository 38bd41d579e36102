export * from "@heapwright/trace";
