/**
 * Markup that cannot be written by data: what stands in a template's `${}` is escaped, unless it came out of a template itself.
 * Names and paths are the user's, a result's file is anybody's.
 */

export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | string | number | undefined | readonly Content[];

const ENTITIES: { readonly [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A longer text says no more, and spoils the page. */
const LONGEST = 400;

/** Control characters, and what turns the direction of the text around it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is they who are looked for
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Text as it is shown: of some length, with nothing in it that is not seen. */
export function shown(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return cut.replace(UNSEEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function contentText(content: Content): string {
  if (content === undefined) return "";
  if (content instanceof Markup) return content.text;
  if (typeof content === "object") return content.map(contentText).join("");
  return shown(String(content))
    .replace(/[&<>"']/g, (c) => ENTITIES[c])
    .replace(/(?<=\d) (?=%)/g, "\u00a0");
}

/** A template of markup. Attributes' values must stand in double quotes. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return new Markup(parts.map((part, i) => part + contentText(contents[i])).join(""));
}

/** Data for a script, as the content of a `<script type="application/json">`: no `<` ends it. */
export function jsonMarkup(data: unknown): Markup {
  return new Markup(JSON.stringify(data).replace(/</g, "\\u003c"));
}
