/** Light and dark: as the system has it, until somebody chooses. Canvases do not follow by themselves. */

const SYSTEM = matchMedia("(prefers-color-scheme: dark)");
const { documentElement: root } = document;

export const isDark = (): boolean =>
  root.dataset.theme === undefined ? SYSTEM.matches : root.dataset.theme === "dark";

/** The value of a custom property of style.css. */
export function colour(name: string): string {
  return getComputedStyle(root).getPropertyValue(`--${name}`).trim();
}

/** Red, green and blue of a `#rrggbb`. */
export function rgb(name: string): readonly [number, number, number] {
  const value = Number.parseInt(colour(name).slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

export function withTheme(onChange: () => void): void {
  const button = document.getElementById("theme") as HTMLButtonElement;
  const tell = (): void => {
    button.textContent = isDark() ? "☀ light" : "☾ dark";
  };
  button.hidden = false;
  tell();
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    tell();
    onChange();
  });
  SYSTEM.addEventListener("change", () => {
    tell();
    onChange();
  });
}
