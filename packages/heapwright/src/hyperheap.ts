export * from "@heapwright/hyperheap";
