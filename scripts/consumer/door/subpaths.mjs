// Every subpath, imported; each is the very package of its name.
import assert from "node:assert/strict";
import * as arenaItself from "@heapwright/arena";
import * as statsItself from "@heapwright/stats";
import * as door from "heapwright";
import * as arena from "heapwright/arena";
import * as hyperheap from "heapwright/hyperheap";
import * as slab from "heapwright/slab";
import * as stats from "heapwright/stats";
import * as strict from "heapwright/strict";
import * as tlsf from "heapwright/tlsf";
import * as trace from "heapwright/trace";
import * as wasm from "heapwright/wasm";
import use from "./subpaths.cjs";

const subpaths = { arena, hyperheap, slab, stats, strict, tlsf, trace, wasm };
use(door, (name) => subpaths[name]);
assert.equal(arena.arena, arenaItself.arena);
assert.equal(stats.stats, statsItself.stats);
