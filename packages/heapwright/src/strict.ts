export * from "@heapwright/strict";
