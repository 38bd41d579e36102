export * from "@heapwright/stats";
