/** Tables that the page's script sorts: a cell says in `data-v` what it is sorted by, where that is a number. */
import { type Content, html, type Markup } from "./markup.js";

/** A number is shown as it is meant to be read, and sorted by its value. */
export interface NumberCell {
  readonly value: number | undefined;
  readonly text: string;
}

export type TableCell = string | NumberCell;

/** No cell where there is no number; at the end, however it is sorted. */
export function numberCell(value: number | undefined, text: (value: number) => string): NumberCell {
  return value === undefined || !Number.isFinite(value)
    ? { value: undefined, text: "" }
    : { value, text: text(value) };
}

function cellMarkup(cell: TableCell): Markup {
  if (typeof cell === "string") return html`<td>${cell}</td>`;
  const { value, text } = cell;
  return value === undefined ? html`<td class="n"></td>` : html`<td class="n" data-v="${value}">${text}</td>`;
}

export function tableMarkup(
  id: string,
  caption: string,
  head: readonly string[],
  rows: readonly (readonly TableCell[])[],
): Markup {
  const columns: Content = head.map(
    (name, column) =>
      html`<th scope="col"${typeof rows[0]?.[column] === "string" ? "" : html` class="n"`}><button type="button">${name}</button></th>`,
  );
  return html`<div class="scroll" tabindex="0"><table id="${id}"><caption>${caption}</caption><thead><tr>${columns}</tr></thead><tbody>${rows.map(
    (row) => html`
<tr>${row.map(cellMarkup)}</tr>`,
  )}
</tbody></table></div>`;
}

/** Six digits at most, thousands apart. */
export function plainNumber(value: number): string {
  const digits =
    Number.isInteger(value) || Math.abs(value) >= 1000
      ? 0
      : Math.abs(value) >= 100
        ? 1
        : Math.abs(value) >= 10
          ? 2
          : 3;
  return value.toFixed(digits).replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ",");
}
