/**
 * The manifest: what made these bytes, written into the heap so that whoever attaches can be told what differs.
 *
 * UTF-8 JSON, plugins outermost first, every option that affects bytes spelled out:
 *
 *     {"strategy":{"name":"hyperheap","version":1,"options":{}},
 *      "plugins":[{"name":"limit","version":1,"options":{"bytes":1048576}}],
 *      "layout":"next prev - heap | 16"}
 */
import { HeapError, show } from "./errors.js";
import type { Options } from "./types.js";

/** A strategy or plugin as the manifest names it. */
export interface ManifestEntry {
  readonly name: string;
  readonly version: number;
  readonly options: Options;
}

export interface Manifest {
  readonly strategy: ManifestEntry;
  readonly plugins: readonly ManifestEntry[];
  readonly layout: string;
}

type Encoder = { encode(text: string): Uint8Array };
type Decoder = { decode(bytes: Uint8Array): string };
declare const TextEncoder: new () => Encoder;
declare const TextDecoder: new (label?: string, options?: { fatal?: boolean }) => Decoder;

export function encodeManifest(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(manifest));
}

/**
 * Reads a manifest back.
 * @throws HeapError `ERR_INCOMPATIBLE_HEAP` if the bytes are no manifest.
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  let value: unknown;
  try {
    // Copied: decoders of browsers refuse views on shared memory.
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.slice()));
  } catch (error) {
    throw new HeapError("ERR_INCOMPATIBLE_HEAP", "the heap's manifest cannot be read", { cause: error });
  }
  if (!isManifest(value))
    throw new HeapError("ERR_INCOMPATIBLE_HEAP", "the heap's manifest has a wrong shape");
  return value;
}

function isManifest(value: unknown): value is Manifest {
  const shape = value as Partial<Manifest> | null;
  return (
    typeof shape === "object" &&
    shape !== null &&
    isEntry(shape.strategy) &&
    Array.isArray(shape.plugins) &&
    shape.plugins.every(isEntry) &&
    typeof shape.layout === "string"
  );
}

function isEntry(value: unknown): value is ManifestEntry {
  const shape = value as Partial<ManifestEntry> | null | undefined;
  return (
    typeof shape === "object" &&
    shape !== null &&
    typeof shape.name === "string" &&
    Number.isInteger(shape.version) &&
    typeof shape.options === "object" &&
    shape.options !== null &&
    Object.values(shape.options).every((option) => ["string", "number", "boolean"].includes(typeof option))
  );
}

/** A strategy or plugin as the attaching side has it: only its explicit options count. */
export interface Wanted {
  readonly name: string;
  readonly version: number;
  readonly options?: Options;
  readonly defaults?: Options;
}

/**
 * What keeps a stack from attaching to a heap, one sentence each; empty if nothing does.
 * Options not given explicitly are taken from the heap.
 */
export function differences(heap: Manifest, strategy: Wanted, plugins: readonly Wanted[]): string[] {
  const found: string[] = [];
  if (heap.strategy.name !== strategy.name) {
    found.push(`strategy: the heap has "${heap.strategy.name}", this stack "${strategy.name}"`);
  } else {
    compareEntry(`strategy "${strategy.name}"`, heap.strategy, strategy, found);
  }
  for (const mine of plugins) {
    const theirs = heap.plugins.find((plugin) => plugin.name === mine.name);
    if (theirs === undefined) found.push(`plugins: this stack has "${mine.name}", the heap has not`);
    else compareEntry(`plugin "${mine.name}"`, theirs, mine, found);
  }
  for (const theirs of heap.plugins) {
    if (!plugins.some((plugin) => plugin.name === theirs.name)) {
      found.push(`plugins: the heap has "${theirs.name}", this stack has not`);
    }
  }
  if (found.length > 0) return found;
  const order = heap.plugins.map((plugin) => plugin.name).join(", ");
  const mine = plugins.map((plugin) => plugin.name).join(", ");
  if (order !== mine) found.push(`plugins: the heap composes ${order}, this stack ${mine}`);
  return found;
}

function compareEntry(what: string, theirs: ManifestEntry, mine: Wanted, found: string[]): void {
  if (theirs.version !== mine.version) {
    found.push(`${what}: the heap has format version ${theirs.version}, this stack ${mine.version}`);
  }
  for (const [key, value] of Object.entries(mine.options ?? {})) {
    const other = theirs.options[key];
    if (other !== value)
      found.push(`${what}, option ${key}: the heap has ${show(other)}, this stack ${show(value)}`);
  }
  for (const [key, value] of Object.entries(mine.defaults ?? {})) {
    const other = theirs.options[key];
    if (typeof other !== typeof value)
      found.push(`${what}, option ${key}: the heap has ${show(other)}, which is no ${typeof value}`);
  }
}
