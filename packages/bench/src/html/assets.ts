/** The page's script and style, as the build made them of `page/`. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { built } from "../assets.js";

export interface PageAssets {
  readonly script: string;
  readonly style: string;
  /** As a Content-Security-Policy names them. */
  readonly scriptHash: string;
  readonly styleHash: string;
}

let assets: PageAssets | undefined;

const hashOf = (text: string): string => `sha256-${createHash("sha256").update(text).digest("base64")}`;

/** Once read, they are kept. */
export function pageAssets(): PageAssets {
  if (assets !== undefined) return assets;
  const [script, style] = ["report-page.js", "report-page.css"].map((name) =>
    readFileSync(built(name), "utf8"),
  );
  assets = { script, style, scriptHash: hashOf(script), styleHash: hashOf(style) };
  return assets;
}
