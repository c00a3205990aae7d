(() => {
  "use strict";
  const ORDER = { none: "ascending", ascending: "descending", descending: "none" };
  const value = (row, column) => row.cells[column].dataset.key;

  function compare(a, b, sign) {
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    const numbers = [Number(a), Number(b)];
    return sign * (numbers.some(Number.isNaN) ? a.localeCompare(b) : numbers[0] - numbers[1]);
  }

  function sort(table, heading, column, original, status) {
    const order = ORDER[heading.getAttribute("aria-sort")];
    for (const one of table.tHead.rows[0].cells) one.setAttribute("aria-sort", one === heading ? order : "none");
    const rows = [...original];
    const sign = order === "descending" ? -1 : 1;
    if (order !== "none") rows.sort((a, b) => compare(value(a, column), value(b, column), sign));
    table.tBodies[0].append(...rows);
    status.textContent = order === "none" ? "in the table's order" : `sorted by ${heading.dataset.name}, ${order}`;
  }

  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const original = [...table.tBodies[0].rows];
    const status = document.getElementById(table.dataset.sortable);
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      heading.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => sort(table, heading, column, original, status));
    });
  }

  const seconds = Number(document.body.dataset.refresh);
  if (seconds) {
    setInterval(() => {
      if (!document.hidden && !document.querySelector("details[open]")) location.reload();
    }, 1000 * seconds);
  }
})();
