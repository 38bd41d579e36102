/**
 * Composition: from a strategy and any plugins, in any order, to one stack of layers.
 *
 * Outermost first, the user's order never matters:
 *
 *     argument checks > lock > trace > inject > limit > account > guard > growth > strategy
 *     argument checks > gate > trace > inject > limit > account > guard > front > lock > growth > strategy    (with a front)
 *
 * Within a phase `rank` decides, then the name. A layer that changes nothing is not called: each layer returns only the
 * primitives it changes, and the others are the inner functions themselves.
 */
import { HeapError, show } from "./errors.js";
import type { PluginInput } from "./infer.js";
import { type ChunkLayout, layoutChunk, type OwnedSlot } from "./layout.js";
import type { Manifest, ManifestEntry } from "./manifest.js";
import type { Memory } from "./memory.js";
import { reallocOver } from "./realloc.js";
import type { Allocator, Inner, Options, Phase, Plugin, SlotRequest, Strategy } from "./types.js";

export const ABI = 1;
const DEFAULT_SHARDS = 16;
const MOST_SHARDS = 1024;
const PHASES: readonly Phase[] = ["trace", "inject", "limit", "account", "guard", "front"];

/** Names no plugin or strategy with an API may have: the members of `Heap`. Held against the type by a test. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  "name",
  "memory",
  "agent",
  "capabilities",
  "region",
  "alloc",
  "allocUnsafe",
  "realloc",
  "reallocUnsafe",
  "dup",
  "free",
  "usableSize",
  "takenSize",
  "goodSize",
  "owns",
  "capacity",
  "usedBytes",
  "freeBytes",
  "quarantinedBytes",
  "overheadBytes",
  "pageBytes",
  "pageFreeBytes",
  "blocks",
  "check",
  "dump",
  "toOffset",
  "toPtr",
  "snapshot",
  "grow",
  "descriptor",
  "detach",
  "allocArray",
  "reallocArray",
  "column",
  "read",
  "string",
  "text",
  "scoped",
  "reset",
  "recover",
  "enterAsync",
  "contention",
]);

type AnyPlugin = Plugin<string, unknown>;
type AnyStrategy = Strategy<string, unknown>;

/** A stack that fits together: plugins outermost first. */
export interface Stack {
  readonly strategy: AnyStrategy;
  readonly plugins: readonly AnyPlugin[];
  /** Some plugin stands between the lock and the other layers. */
  readonly hasFront: boolean;
}

/** A stack with every option settled and the bytes that follow from them. */
export interface ResolvedStack extends Stack {
  /** Agents that can be inside at the same time, each in a shard of its own; 1 without a front. */
  readonly shards: number;
  readonly strategyOptions: Options;
  readonly pluginOptions: readonly Options[];
  readonly layout: ChunkLayout;
  readonly manifest: Manifest;
}

function compositionError(message: string, hint?: string): HeapError {
  return new HeapError("ERR_COMPOSITION", message, hint === undefined ? {} : { hint });
}

/**
 * Flattens bundles, leaves out what is false, null or undefined, orders the rest.
 * @throws HeapError `ERR_COMPOSITION` naming both sides of what cannot be combined; `ERR_INVALID_OPTION` for what is no plugin.
 */
export function planStack(strategy: unknown, inputs: unknown): Stack {
  checkShape("strategy", strategy, ["fields", "stateBytes", "capabilities"]);
  if (inputs !== undefined && !Array.isArray(inputs)) {
    throw new HeapError("ERR_INVALID_OPTION", `plugins must be an array, not ${show(inputs)}`);
  }
  const plugins: AnyPlugin[] = [];
  for (const input of (inputs ?? []) as readonly PluginInput[]) collect(input, plugins);

  const taken = new Map<string, string>([[(strategy as AnyStrategy).name, "the strategy"]]);
  for (const { name, phase } of plugins) {
    if (!PHASES.includes(phase)) {
      throw compositionError(
        `plugin "${name}" asks for phase ${show(phase)}`,
        `phases are ${PHASES.join(", ")}`,
      );
    }
    const other = taken.get(name);
    if (other !== undefined) {
      throw compositionError(
        `two parts of the stack are named "${name}": a plugin and ${other}`,
        "leave one of them out",
      );
    }
    taken.set(name, `plugin "${name}"`);
  }
  for (const [name, what] of taken) {
    if (RESERVED_NAMES.has(name)) {
      throw compositionError(`${what} has the name of a member of Heap: "${name}"`, "give it another name");
    }
  }
  plugins.sort(
    (a, b) =>
      PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) ||
      (a.rank ?? 0) - (b.rank ?? 0) ||
      (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  const front = plugins.find((plugin) => plugin.phase === "front");
  const exclusive = plugins.find((plugin) => plugin.phase !== "front" && plugin.concurrent !== true);
  if (front !== undefined && exclusive !== undefined) {
    throw compositionError(
      `plugin "${exclusive.name}" needs the lock held, and "${front.name}" moves the lock below it`,
      `use "${exclusive.name}" without "${front.name}"`,
    );
  }
  const fronts = plugins.filter((plugin) => plugin.phase === "front");
  if (fronts.length > 1) {
    throw compositionError(
      `there can be one front, and "${fronts[0]?.name}" and "${fronts[1]?.name}" both are`,
      "leave one of them out",
    );
  }
  for (const plugin of plugins) checkNeeds(plugin, strategy as AnyStrategy);
  return { strategy: strategy as AnyStrategy, plugins, hasFront: front !== undefined };
}

function checkNeeds({ name, needs }: AnyPlugin, { name: strategy, capabilities }: AnyStrategy): void {
  const { free, maxAlign = 0 } = needs ?? {};
  const lacks =
    free !== undefined && capabilities.free !== free
      ? `frees ${capabilities.free}, not ${free}`
      : maxAlign > capabilities.maxAlign
        ? `aligns to at most ${capabilities.maxAlign}, not ${maxAlign}`
        : undefined;
  if (lacks !== undefined) {
    throw compositionError(
      `plugin "${name}" cannot stand on strategy "${strategy}", which ${lacks}`,
      `use another strategy, or leave "${name}" out`,
    );
  }
}

function collect(input: PluginInput, into: AnyPlugin[]): void {
  if (input === false || input === null || input === undefined) return;
  if (Array.isArray(input)) {
    for (const part of input as readonly PluginInput[]) collect(part, into);
    return;
  }
  checkShape("plugin", input, ["phase"]);
  into.push(input as AnyPlugin);
}

export function checkShape(what: "strategy" | "plugin", value: unknown, needs: readonly string[]): void {
  const shape = value as Partial<AnyStrategy & AnyPlugin> | null | undefined;
  if (
    typeof shape !== "object" ||
    shape === null ||
    typeof shape.create !== "function" ||
    typeof shape.name !== "string"
  ) {
    const hint =
      typeof value === "function" ? "call it: strategies and plugins are made by functions" : undefined;
    throw new HeapError(
      "ERR_INVALID_OPTION",
      `${what} must be a ${what} object, not ${show(value)}`,
      hint === undefined ? {} : { hint },
    );
  }
  if (shape.abi !== ABI) {
    throw compositionError(
      `${what} "${shape.name}" speaks ABI ${show(shape.abi)}, this core ABI ${ABI}`,
      "install versions of the packages that fit each other",
    );
  }
  if (!Number.isInteger(shape.version)) {
    throw compositionError(`${what} "${shape.name}" has no integer format version`);
  }
  for (const key of needs) {
    if (!(key in shape)) throw compositionError(`${what} "${shape.name}" has no "${key}": is it a ${what}?`);
  }
}

/**
 * Settles the options and computes the layout and the manifest.
 * @param attached The manifest of the heap that is attached to: its options win over the defaults.
 */
export function resolveStack(stack: Stack, attached?: Manifest): ResolvedStack {
  const strategyOptions = {
    ...stack.strategy.defaults,
    ...stack.strategy.options,
    ...attached?.strategy.options,
  };
  const pluginOptions = stack.plugins.map((plugin, index) => ({
    ...plugin.defaults,
    ...plugin.options,
    ...attached?.plugins[index]?.options,
  }));
  checkValues("strategy", stack.strategy.name, strategyOptions);
  for (const [index, plugin] of stack.plugins.entries())
    checkValues("plugin", plugin.name, pluginOptions[index] ?? {});
  const slots: OwnedSlot[] = stack.plugins.flatMap((plugin, index) => {
    const { slots: asked = [] } = plugin;
    const wanted = typeof asked === "function" ? asked(pluginOptions[index] ?? {}) : asked;
    if (!Array.isArray(wanted))
      throw compositionError(`plugin "${plugin.name}": slots is ${show(wanted)}, not an array`);
    return (wanted as readonly (string | SlotRequest)[]).map((slot) => ({
      ...(typeof slot === "string" ? { name: slot } : slot),
      owner: plugin.name,
    }));
  });
  const layout = layoutChunk(stack.strategy.fields, slots, stack.strategy.packed);
  const entry = (part: AnyStrategy | AnyPlugin, options: Options): ManifestEntry => ({
    name: part.name,
    version: part.version,
    options,
  });
  const manifest: Manifest = {
    strategy: entry(stack.strategy, strategyOptions),
    plugins: stack.plugins.map((plugin, index) => entry(plugin, pluginOptions[index] as Options)),
    layout: layout.fingerprint,
  };
  const shards = countShards(stack, pluginOptions);
  return { ...stack, shards, strategyOptions, pluginOptions, layout, manifest };
}

function countShards({ plugins }: Stack, options: readonly Options[]): number {
  const at = plugins.findIndex(({ phase }) => phase === "front");
  const front = plugins[at];
  if (front === undefined) return 1;
  const shards: unknown = front.shards === undefined ? DEFAULT_SHARDS : front.shards(options[at] ?? {});
  if (Number.isInteger(shards) && (shards as number) >= 1 && (shards as number) <= MOST_SHARDS)
    return shards as number;
  throw compositionError(
    `plugin "${front.name}": shards is ${show(shards)}, not an integer in 1 … ${MOST_SHARDS}`,
  );
}

/** Options are written into the heap as text and compared: only what comes back from text as it was. */
function checkValues(what: string, name: string, options: Options): void {
  for (const [key, value] of Object.entries(options as Readonly<Record<string, unknown>>)) {
    if (typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) continue;
    const found = show(value);
    throw compositionError(
      `${what} "${name}": option ${key} is ${found}, not a finite number, text or boolean`,
    );
  }
}

/**
 * Puts a layer on an allocator. What it does not change stays the inner function. Every composed allocator is made by one
 * object literal, so that all have one hidden class and a layer's `inner.alloc` stays a monomorphic load.
 */
export function layer(inner: Inner, changes: Partial<Allocator> | undefined, memory: Memory): Inner {
  if (changes === undefined) return inner;
  const composed = compose(inner, changes);
  // The inner realloc would go past this layer's alloc, free and resize.
  const passedBy = changes.alloc ?? changes.free ?? changes.resize;
  if (passedBy === undefined || changes.realloc !== undefined) return composed;
  return compose(composed, { realloc: reallocOver(composed, memory) });
}

/** The innermost allocator, with a `realloc` in any case. */
export function asInner(allocator: Allocator, memory: Memory): Inner {
  return compose(allocator, { realloc: allocator.realloc ?? reallocOver(allocator, memory) });
}

function compose(inner: Allocator, changes: Partial<Allocator>): Inner {
  return {
    alloc: changes.alloc ?? inner.alloc,
    free: changes.free ?? inner.free,
    resize: changes.resize ?? inner.resize,
    usableSize: changes.usableSize ?? inner.usableSize,
    takenSize: changes.takenSize ?? inner.takenSize,
    goodSize: changes.goodSize ?? inner.goodSize,
    owns: changes.owns ?? inner.owns,
    realloc: changes.realloc ?? inner.realloc,
    tagOf: changes.tagOf ?? inner.tagOf,
    last: changes.last ?? inner.last,
    reset: changes.reset ?? inner.reset,
    mark: changes.mark ?? inner.mark,
    release: changes.release ?? inner.release,
    releasable: changes.releasable ?? inner.releasable,
    walk: changes.walk ?? inner.walk,
    check: changes.check ?? inner.check,
    totals: changes.totals ?? inner.totals,
    largestFree: changes.largestFree ?? inner.largestFree,
    recover: changes.recover ?? inner.recover,
    growthFor: changes.growthFor ?? inner.growthFor,
    extend: changes.extend ?? inner.extend,
    // Absent members are present as undefined: one hidden class for all.
  } as Inner;
}
