/**
 * Frames out of the text of a stack, as V8 and as Firefox and Safari write it.
 *
 *     "    at async Mesh.load (file:///app/mesh.js:12:7)"  ->  Mesh.load, /app/mesh.js, 12, 7
 *     "load/<@https://example.org/mesh.js:12:7"            ->  load/<, https://example.org/mesh.js, 12, 7
 */

export interface Frame {
  /** Of the function; `(anonymous)` where it has none. */
  readonly name: string;
  /** Path or URL; empty where it is not known, as within the engine. */
  readonly file: string;
  /** From 1 on; 0 where it is not known. */
  readonly line: number;
  readonly column: number;
}

const ANONYMOUS = "(anonymous)";

/** @returns The frames of the text, the innermost first, as it has them; lines that are no frames are left out. */
export function parseFrames(stack: string): Frame[] {
  return stack.split("\n").flatMap((line) => {
    const text = line.trim();
    if (text.startsWith("at ")) return [v8Frame(text.slice("at ".length))];
    return text.includes("@") ? [mozillaFrame(text)] : [];
  });
}

/** `name (site)`, or the site alone. */
function v8Frame(text: string): Frame {
  const called = text.replace(/^async /, "");
  // The first one: paths, and sites within sites, have parentheses too.
  const open = called.endsWith(")") ? called.indexOf(" (") : -1;
  if (open < 0) return frame("", evaluator(called));
  return frame(called.slice(0, open), evaluator(called.slice(open + 2, -1)));
}

/**
 * What was evaluated has no file of its own: its site is that of the `eval`, unless a sourceURL names one.
 *
 *     eval at outer (eval at run (file:///app/run.js:3:1), <anonymous>:1:1), <anonymous>:2:5  ->  file:///app/run.js:3:1
 */
function evaluator(site: string): string {
  const own = /\), ([^()]+)$/.exec(site);
  if (!site.startsWith("eval at ")) return site;
  if (own?.[1] !== undefined && !own[1].startsWith("<anonymous>")) return own[1];
  const inner = site.replace(/^(?:eval at .*? \((?=eval at ))*eval at .*? \(/, "");
  const end = inner.indexOf("), ");
  return end < 0 ? inner : inner.slice(0, end);
}

/** `name@site`, `async*name@site`, `@site`; a site within an eval is `file line 3 > eval:1:1`. */
function mozillaFrame(text: string): Frame {
  const at = text.indexOf("@");
  // What came before an await or a then is marked in front of the name.
  const name = text.slice(0, at).replace(/^(?:[\w .]+)\*/, "");
  return frame(name, text.slice(at + 1).replace(/ line (\d+) > .*$/, ":$1"));
}

function frame(name: string, site: string): Frame {
  const [, file = "", line = "0", column = "0"] = /^(.*?)(?::(\d+))?(?::(\d+))?$/.exec(site) ?? [];
  return {
    name: name === "" ? ANONYMOUS : name,
    file: pathOf(file),
    line: Number(line),
    column: Number(column),
  };
}

/** A path for a file URL, so that viewers find the source. */
function pathOf(file: string): string {
  if (/^(?:<anonymous>|native|\[native code\]|index \d+)$/.test(file)) return "";
  if (!file.startsWith("file://")) return file;
  const path = file.replace(/^file:\/\/(?:\/(?=[A-Za-z]:))?/, "");
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
