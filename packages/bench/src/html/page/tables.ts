/** Tables that sort at a click on a column's name, and show only the rows with what is typed. */

/** Numbers by value; rows that have none last, whichever way. */
function compare(a: HTMLTableRowElement, b: HTMLTableRowElement, column: number, up: number): number {
  const [one, other] = [a, b].map((row) => row.cells[column]);
  if (!one.classList.contains("n")) {
    return up * (one.textContent ?? "").localeCompare(other.textContent ?? "", "en", { numeric: true });
  }
  const [x, y] = [one, other].map(({ dataset }) => Number(dataset.v ?? Number.NaN));
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
  return up * (x - y);
}

function sortBy(table: HTMLTableElement, heading: HTMLTableCellElement): void {
  const up = heading.ariaSort === "ascending" ? -1 : 1;
  for (const other of table.tHead?.rows[0].cells ?? []) other.ariaSort = null;
  heading.ariaSort = up > 0 ? "ascending" : "descending";
  const [body] = table.tBodies;
  body.append(...[...body.rows].sort((a, b) => compare(a, b, heading.cellIndex, up)));
}

function filter(input: HTMLInputElement): void {
  const table = document.getElementById(input.dataset.filter ?? "") as HTMLTableElement | null;
  const rows = [...(table?.tBodies[0].rows ?? [])];
  const told = input.closest("p")?.querySelector("output");
  const apply = (): void => {
    const words = input.value.toLowerCase().split(/\s+/);
    let left = 0;
    for (const row of rows) {
      const text = [...row.cells]
        .map((cell) => cell.textContent ?? "")
        .join(" ")
        .toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) left++;
    }
    if (told) told.textContent = input.value.trim() === "" ? "" : `${left} of ${rows.length}`;
  };
  input.addEventListener("input", apply);
}

export function withTables(): void {
  for (const heading of document.querySelectorAll<HTMLTableCellElement>("th")) {
    const table = heading.closest("table");
    if (table !== null)
      heading.querySelector("button")?.addEventListener("click", () => sortBy(table, heading));
  }
  for (const input of document.querySelectorAll<HTMLInputElement>("input[data-filter]")) filter(input);
}
