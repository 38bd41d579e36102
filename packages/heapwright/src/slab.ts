export * from "@heapwright/slab";
