export * from "@heapwright/arena";
