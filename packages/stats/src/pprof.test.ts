/** Profiles, read by protobufjs and zlib, neither of which wrote them. */
import { gunzipSync } from "node:zlib";
import { createHeap } from "@heapwright/core";
import { hyperheap } from "@heapwright/hyperheap";
import { strict } from "@heapwright/strict";
import protobuf from "protobufjs";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { StatsSnapshot } from "./figures.js";
import { PROFILE_PROTO, type RawProfile } from "./fixtures/profile-proto.js";
import { empty, HOSTILE, hostile, scene, sourceOf, vast } from "./fixtures/snapshots.js";
import { workedHeap } from "./fixtures/worked.js";
import { heapProfile, type ProfiledBlocks } from "./pprof.js";

const Message = protobuf.Root.fromJSON(PROFILE_PROTO).lookupType("Profile");

const rawOf = (file: Uint8Array): RawProfile =>
  Message.toObject(Message.decode(gunzipSync(file)), {
    longs: String,
    defaults: true,
    arrays: true,
  }) as RawProfile;

interface ReadSample {
  /** `name file:line:column`, the leaf first. */
  readonly stack: string[];
  readonly value: bigint[];
  readonly labels: Record<string, string>;
}

/** The profile with every number looked up; fails where one leads nowhere, or two are alike. */
function read(raw: RawProfile) {
  const byId = <Entry extends { readonly id: string }>(entries: readonly Entry[]) => {
    const map = new Map(entries.map((entry) => [entry.id, entry]));
    expect(map.size).toBe(entries.length);
    expect(map.has("0")).toBe(false);
    return (id: string): Entry => {
      expect([...map.keys()]).toContain(id);
      return map.get(id)!;
    };
  };
  const text = (index: string): string => {
    expect(raw.string_table.length).toBeGreaterThan(Number(index));
    return raw.string_table[Number(index)];
  };
  const functionOf = byId(raw.function);
  const locationOf = byId(raw.location);
  const mappingOf = byId(raw.mapping);
  const typeOf = ({ type, unit }: RawProfile["period_type"]) => `${text(type)}/${text(unit)}`;
  return {
    types: raw.sample_type.map(typeOf),
    defaultType: text(raw.default_sample_type),
    period: `${raw.period} ${typeOf(raw.period_type)}`,
    time: BigInt(raw.time_nanos),
    mappings: raw.mapping.map(({ filename }) => text(filename)),
    samples: raw.sample.map(({ location_id, value, label }): ReadSample => {
      const labels = label.map(({ key, str, num, num_unit }) => {
        expect([num, num_unit]).toEqual(["0", "0"]);
        expect(str).not.toBe("0");
        return [text(key), text(str)];
      });
      const stack = location_id.map((id) => {
        const { mapping_id, line } = locationOf(id);
        mappingOf(mapping_id);
        expect(line).toHaveLength(1);
        const { name, system_name, filename } = functionOf(line[0].function_id);
        expect(system_name).toBe(name);
        return `${text(name)} ${text(filename)}:${line[0].line}:${line[0].column}`;
      });
      return { stack, value: value.map(BigInt), labels: Object.fromEntries(labels) };
    }),
  };
}

async function profileOf(snapshot: StatsSnapshot, blocks?: readonly ProfiledBlocks[]) {
  const stats = sourceOf(snapshot);
  const heap = blocks === undefined ? { stats } : { stats, strict: { leaks: () => blocks } };
  return read(rawOf(await heapProfile(heap)));
}

const shownName = (name: string) => (name === "" ? "(untagged)" : name);

/** Sums of the samples of each tag, and of its figures. */
function expectSums(samples: readonly ReadSample[], { heap, tags }: StatsSnapshot): void {
  const sums = new Map<string, bigint[]>();
  for (const { stack, value, labels } of samples) {
    expect(labels.heap).toBe(heap);
    expect(stack.at(-1)).toBe(`${labels.tag} :0:0`);
    const sum = sums.get(labels.tag) ?? [0n, 0n, 0n, 0n];
    sums.set(
      labels.tag,
      sum.map((part, index) => part + value[index]),
    );
  }
  const expected = new Map<string, bigint[]>();
  for (const { name, allocations, allocatedBytes, liveBlocks, currentBytes } of tags) {
    const figures = [allocations, allocatedBytes, liveBlocks, currentBytes].map(BigInt);
    const sum = expected.get(shownName(name)) ?? [0n, 0n, 0n, 0n];
    expected.set(
      shownName(name),
      sum.map((part, index) => part + figures[index]),
    );
  }
  expect(sums).toEqual(expected);
}

const MESH = "    at loadMesh (/app/mesh.js:12:7)\n    at loadScene (/app/scene.js:3:1)";

afterEach(() => void vi.unstubAllGlobals());

describe("heapProfile", () => {
  it("is a heap profile as Go's are", async () => {
    const { types, defaultType, period, mappings } = await profileOf(scene);
    expect(types).toEqual([
      "alloc_objects/count",
      "alloc_space/bytes",
      "inuse_objects/count",
      "inuse_space/bytes",
    ]);
    expect(defaultType).toBe("inuse_space");
    expect(period).toBe("1 space/bytes");
    expect(mappings).toEqual(["game"]);
  });

  it.each([scene, hostile, empty, vast])("has a sample per tag with its figures: $heap", async (snapshot) => {
    const { samples } = await profileOf(snapshot);
    expect(samples.map(({ labels }) => labels.tag)).toEqual(snapshot.tags.map(({ name }) => shownName(name)));
    expectSums(samples, snapshot);
  });

  it("begins the table of strings with the empty one, and has each once", async () => {
    const { string_table } = rawOf(await heapProfile({ stats: sourceOf(hostile) }));
    expect(string_table[0]).toBe("");
    expect(new Set(string_table).size).toBe(string_table.length);
    for (const name of HOSTILE) expect(string_table).toContain(name);
  });

  it("is exact next to 2^53", async () => {
    const { samples } = await profileOf(vast);
    expect(samples[1].value).toEqual([
      2n,
      2n ** 53n - 1n - 2n ** 41n + 2n ** 40n - 17n,
      1n,
      2n ** 53n - 1n - 2n ** 41n,
    ]);
    for (const bytes of [
      2 ** 28,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
      2 ** 35 - 1,
      2 ** 49,
      2 ** 53 - 1,
      2 ** 53,
    ]) {
      const tags = [{ ...vast.tags[0], currentBytes: bytes, allocatedBytes: bytes }];
      expect((await profileOf({ ...vast, tags })).samples[0].value).toEqual([
        1n,
        BigInt(bytes),
        1n,
        BigInt(bytes),
      ]);
    }
  });

  it("says when: now, or when it is told", async () => {
    const before = BigInt(Date.now()) * 1_000_000n;
    const { time } = await profileOf(scene);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(BigInt(Date.now()) * 1_000_000n);
    const told = read(rawOf(await heapProfile({ stats: sourceOf(scene) }, { time: 1_735_689_600_123 })));
    expect(told.time).toBe(1_735_689_600_123_000_000n);
  });

  it("rejects where nothing compresses, and where the heap throws", async () => {
    const stats = {
      toJSON() {
        throw new Error("detached");
      },
    };
    await expect(heapProfile({ stats })).rejects.toThrow("detached");
    vi.stubGlobal("CompressionStream", undefined);
    await expect(heapProfile({ stats: sourceOf(scene) })).rejects.toThrow(
      "needs the global CompressionStream",
    );
  });

  it("compresses profiles of more than one chunk", async () => {
    const tags = Array.from({ length: 50_000 }, (_, id) => ({
      ...scene.tags[1],
      name: `${id}/${(id * 2654435761) % 99_991}`,
    }));
    const raw = rawOf(await heapProfile({ stats: sourceOf({ ...scene, tags }) }));
    expect(raw.sample).toHaveLength(tags.length);
    expect(raw.function.length).toBe(tags.length);
  });
});

describe("heapProfile with strict", () => {
  it("splits what lives by stack, the leaf first and the tag as root; the sums stay", async () => {
    const { samples } = await profileOf(scene, [
      { tag: "scene/mesh", stack: MESH, count: 1, bytes: 1_000_000 },
      {
        tag: "scene/texture",
        stack: "load/<@https://example.org/texture.js:5:9",
        count: 1,
        bytes: 4_194_304,
      },
      { tag: "scene/mesh", count: 1, bytes: 500_000 },
      { tag: 0, stack: "    at /app/main.js:1:1", count: 1, bytes: 100 },
    ]);
    expectSums(samples, scene);
    const ofMesh = samples.filter(({ labels }) => labels.tag === "scene/mesh");
    expect(ofMesh.map(({ stack, value }) => [stack, value])).toEqual([
      [["scene/mesh :0:0"], [3n, 1_750_000n, 1n, 500_000n]],
      [
        ["loadMesh /app/mesh.js:12:7", "loadScene /app/scene.js:3:1", "scene/mesh :0:0"],
        [0n, 0n, 1n, 1_000_000n],
      ],
    ]);
    const others = samples.filter(({ labels, stack }) => labels.tag !== "scene/mesh" && stack.length > 1);
    expect(others.map(({ stack, value }) => [stack, value])).toEqual([
      [
        ["(anonymous) /app/main.js:1:1", "(untagged) :0:0"],
        [0n, 0n, 1n, 100n],
      ],
      [
        ["load/< https://example.org/texture.js:5:9", "scene/texture :0:0"],
        [0n, 0n, 1n, 4_194_304n],
      ],
    ]);
  });

  it("finds tags by id where strict knows no names", async () => {
    const { samples } = await profileOf(scene, [{ tag: 1, stack: MESH, count: 2, bytes: 1_500_000 }]);
    expectSums(samples, scene);
    expect(samples.filter(({ stack }) => stack.length > 1).map(({ labels }) => labels.tag)).toEqual([
      "scene/mesh",
    ]);
  });

  it("has functions and locations once, however many samples share them", async () => {
    const heap = {
      stats: sourceOf(scene),
      strict: {
        leaks: () => [
          { tag: "scene/mesh", stack: MESH, count: 1, bytes: 10 },
          { tag: "scene/texture", stack: MESH, count: 1, bytes: 10 },
          { tag: "scene/mesh", stack: `    at loadMesh (/app/mesh.js:40:7)\n${MESH}`, count: 1, bytes: 20 },
        ],
      },
    };
    const raw = rawOf(await heapProfile(heap));
    expectSums(read(raw).samples, scene);
    // Four tags, loadMesh and loadScene.
    expect(raw.function).toHaveLength(6);
    expect(raw.location).toHaveLength(7);
  });

  it("takes hostile names, frames of functions that have them too", async () => {
    const blocks = hostile.tags.map(({ name }) => ({
      tag: name,
      stack: `    at ${name.replaceAll("\n", " ")} (/app/${name.replaceAll("\n", " ")}.js:1:1)\n${MESH}`,
      count: 1,
      bytes: 1,
    }));
    const { samples } = await profileOf(hostile, blocks);
    expectSums(samples, hostile);
    expect(samples.filter(({ stack }) => stack.length > 1)).toHaveLength(hostile.tags.length);
  });

  it("never says more than the tag has, whatever strict still knows", async () => {
    const { samples } = await profileOf(scene, [
      { tag: "scene/mesh", stack: MESH, count: 2, bytes: 1_499_999 },
      { tag: "scene/mesh", stack: "    at late (/app/late.js:1:1)", count: 5, bytes: 5_000_000 },
      { tag: "sound", stack: MESH, count: 1, bytes: 1 },
      { tag: "not there", stack: MESH, count: 1, bytes: 1 },
      { tag: 99, stack: MESH, count: 1, bytes: 1 },
      { tag: "scene/mesh", stack: "no frame", count: 1, bytes: 1 },
    ]);
    expectSums(samples, scene);
    expect(samples.flatMap(({ value }) => value).every((value) => value >= 0n)).toBe(true);
    const split = samples.filter(({ stack }) => stack.length > 1);
    expect(split.map(({ value }) => value)).toEqual([
      [0n, 0n, 2n, 1_499_999n],
      [0n, 0n, 0n, 1n],
    ]);
  });

  it("is of a heap that has worked, every live block under the stack that made it", async () => {
    const { heap } = workedHeap();
    const { samples } = read(rawOf(await heapProfile(heap)));
    const snapshot = heap.stats.toJSON();
    expectSums(samples, snapshot);
    const stacked = samples.filter(({ stack }) => stack.some((frame) => frame.startsWith("work ")));
    expect(stacked.reduce((sum, { value }) => sum + Number(value[2]), 0)).toBe(snapshot.totals.liveBlocks);
    expect(stacked[0]?.stack[0]).toMatch(/^work .*worked\.ts:\d+:\d+$/);
  });

  it("takes the leaks of a heap under strict", async () => {
    const heap = createHeap({ memory: 1 << 20, strategy: hyperheap(), plugins: [strict({ stacks: "all" })] });
    function loadMesh(): void {
      heap.alloc(60);
      heap.alloc(40);
    }
    loadMesh();
    const tags = [
      { ...scene.tags[0], allocations: 3, allocatedBytes: 150, liveBlocks: 2, currentBytes: 100 },
    ];
    const snapshot = { ...scene, tags };
    const file = await heapProfile({ stats: sourceOf(snapshot), strict: heap.strict });
    const { samples } = read(rawOf(file));
    expectSums(samples, snapshot);
    const split = samples.filter(({ stack }) => stack.length > 1);
    expect(split.map(({ value }) => value.at(-1)).sort()).toEqual([40n, 60n]);
    for (const { stack } of split) expect(stack[0]).toMatch(/^loadMesh .*pprof\.test\.ts:\d+:\d+$/);
  });
});
