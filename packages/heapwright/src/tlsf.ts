export * from "@heapwright/tlsf";
