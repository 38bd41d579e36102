/** @heapwright/tlsf: see tlsf.ts. */
export { tlsf } from "./tlsf.js";
