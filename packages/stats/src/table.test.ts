/** The table for a terminal: its text, its columns, and that no name does anything to the terminal. */
import { describe, expect, it } from "vitest";
import { empty, HOSTILE, hostile, scene, snapshot, sourceOf, vast } from "./fixtures/snapshots.js";
import { statsTable } from "./index.js";

const tableOf = (of: typeof scene) => statsTable(sourceOf(of));
const HEADING = ["used", "taken", "peak", "blocks", "allocations", "failures", "tag"];

/** The last column, headings and total left out. */
const names = (table: string) =>
  table
    .split("\n")
    .slice(3, -2)
    .map((line) => /^(?: *[\d,]+ {2}){0,5} *[\d,]+ {2}(.*)$/.exec(line)?.[1]);

describe("statsTable", () => {
  it("is a line of the heap, one per tag by used bytes, and the total", () => {
    expect(tableOf(scene)).toBe(
      `heap "game", in bytes: capacity 16,777,216; free 11,082,748, largest piece 8,312,061; fragmentation 25.0 %

     used      taken       peak  blocks  allocations  failures  tag
4,194,304  4,194,320  5,242,880       1            2         1  scene/texture
1,500,000  1,500,032  1,750,000       2            3         0  scene/mesh
      100        116        100       1            1         0  (untagged)
        0          0      8,192       0            2         2  sound
5,694,404  5,694,468  7,001,172       4            8         3  total
`,
    );
  });

  it("of an empty heap: the total", () => {
    expect(tableOf(empty)).toBe(
      `heap "empty", in bytes: capacity 65,536; free 65,536, largest piece 65,536; fragmentation 0.0 %

used  taken  peak  blocks  allocations  failures  tag
   0      0     0       0            0         0  total
`,
    );
  });

  it("is exact up to 2^53", () => {
    expect(tableOf(vast)).toContain("capacity 9,007,199,254,740,991; free 2,199,023,255,552,");
    expect(tableOf(vast)).toContain(" 9,006,099,743,113,201 ");
  });

  it.each([scene, hostile, empty, vast])("ends each number where its heading ends: $heap", (of) => {
    const [, , heading, ...lines] = tableOf(of).split("\n");
    expect(heading.split(/ +/).filter(Boolean)).toEqual(HEADING);
    expect(lines).toHaveLength(of.tags.length + 2);
    for (const line of lines.slice(0, -1)) {
      for (const column of HEADING.slice(0, -1)) {
        const end = heading.indexOf(column) + column.length;
        expect(line.slice(0, end + 2)).toMatch(/\d {2}$/);
      }
      // Two blanks part columns, and within one there is no other blank between digits.
      expect(line.slice(0, heading.indexOf("tag"))).toMatch(/^(?: *[\d,]+ {2}){6}$/);
    }
  });

  it("lets no name control the terminal, hide, or turn its direction", () => {
    expect(tableOf(hostile)).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    const odd = Array.from({ length: 0x3000 }, (_, code) => `a${String.fromCodePoint(code)}b`);
    const tags = ["\ud800", "\u{e0001}", "\ufeff", ...odd].map((name) => ({ name, sizes: [1] }));
    const table = tableOf(snapshot("odd\u001b[2J\n", tags, empty.totals));
    expect(table).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    expect(table.split("\n")).toHaveLength(tags.length + 5);
    expect(table).toMatch(/^heap "odd\\u\{1b\}\[2J\\u\{a\}", in bytes/);
  });

  it("shows every name so that it can be told which it is", () => {
    const found = names(tableOf(hostile));
    expect(found).toHaveLength(HOSTILE.length + 1);
    expect(new Set(found).size).toBe(found.length);
    const read = found.map((name) =>
      name === "(untagged)" ? "" : name?.startsWith('"') ? new Function(`return ${name}`)() : name,
    );
    expect(read.sort()).toEqual(["", ...HOSTILE].sort());
  });

  it("quotes only names that need it", () => {
    const found = names(tableOf(hostile));
    for (const plain of ["C:\\temp\\new", 'say "hi"', "🦄 unicorn", "汉字", "{heap}", "__proto__"]) {
      expect(found).toContain(plain);
    }
    expect(found).toContain(String.raw`"\u{1b}[31mred\u{1b}[0m"`);
    expect(found).toContain('" spaces "');
    expect(found).toContain('"(untagged)"');
    expect(found).toContain('"total"');
  });

  it("orders tags of equal use by name", () => {
    const tags = ["b", "a", "c", "B"].map((name) => ({ name, sizes: name === "c" ? [2] : [1] }));
    expect(names(tableOf(snapshot("game", tags, empty.totals)))).toEqual(["c", "B", "a", "b"]);
  });
});
