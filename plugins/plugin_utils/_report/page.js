
/* Copyright (c) 2026, The alicloud.compute authors
   GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
   SPDX-License-Identifier: GPL-3.0-or-later */
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);
  // Nothing is written that has not changed: with thousands of cells, that is what takes time.
  const put = (element, name, wanted) => {
    if (element.classList.contains(name) !== wanted) element.classList.toggle(name, wanted);
  };

  const theme = one("#theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const press = () => { theme.textContent = `Theme: ${dark() ? "dark" : "light"}`; };
  theme.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    press();
  });
  system.addEventListener("change", press);
  press();

  const collator = new Intl.Collator("en", { numeric: true });
  const sort = (head) => {
    const table = head.closest("table");
    const column = head.cellIndex;
    const ascending = head.getAttribute("aria-sort") !== "ascending";
    const rows = [...table.tBodies[0].rows].map((row) => {
      const cell = row.cells[column];
      const value = cell.dataset.v;
      return { row, number: value ? Number(value) : NaN, text: value === undefined ? cell.textContent : "" };
    });
    const empty = (entry) => entry.text === "" && Number.isNaN(entry.number);
    rows.sort((a, b) => {
      if (empty(a) || empty(b)) return empty(a) - empty(b); // last, whatever the direction
      const order = Number.isNaN(a.number) ? collator.compare(a.text, b.text) : a.number - b.number;
      return ascending ? order : -order;
    });
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const sorted = document.createDocumentFragment();
    for (const entry of rows) sorted.append(entry.row);
    table.tBodies[0].append(sorted);
    filter(); // the first rows are others now
  };
  for (const head of all(".sortable thead th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head));
    head.append(button);
  }

  // One cell of each heat map is in the order of the tab key, and the arrow keys go on from it.
  const details = one("#details");
  const tell = (cell) => {
    const lines = cell.title.split("\n").map((text) => {
      const line = document.createElement("p");
      line.textContent = text;
      return line;
    });
    details.replaceChildren(...lines);
    details.hidden = false;
  };
  const stops = new Map();
  const stop = (table, cell) => {
    const before = stops.get(table);
    if (before) before.tabIndex = -1;
    cell.tabIndex = 0;
    stops.set(table, cell);
  };
  for (const table of all(".heat")) {
    table.setAttribute("role", "grid");
    stop(table, table.querySelector("td[title]"));
    table.addEventListener("focusin", (event) => {
      const cell = event.target.closest("td");
      if (!cell) return;
      stop(table, cell);
      if (cell.title) tell(cell);
      else details.hidden = true;
    });
    table.addEventListener("focusout", () => { details.hidden = true; });
    table.addEventListener("click", (event) => {
      const cell = event.target.closest("td[title]");
      if (!cell) return;
      cell.tabIndex = 0;
      cell.focus();
    });
    table.addEventListener("keydown", (event) => {
      const cell = event.target.closest("td");
      if (!cell || event.altKey || event.metaKey) return;
      const rows = [...table.tBodies[0].rows].filter((row) => !row.classList.contains("off"));
      const right = cell.parentNode.cells.length - 1;
      let y = rows.indexOf(cell.parentNode);
      let x = cell.cellIndex;
      const far = event.ctrlKey;
      const moves = {
        ArrowLeft: () => { x -= 1; },
        ArrowRight: () => { x += 1; },
        ArrowUp: () => { y -= 1; },
        ArrowDown: () => { y += 1; },
        PageUp: () => { y -= 10; },
        PageDown: () => { y += 10; },
        Home: () => { x = 1; if (far) y = 0; },
        End: () => { x = right; if (far) y = rows.length - 1; },
      };
      if (!moves[event.key]) return;
      moves[event.key]();
      event.preventDefault();
      const row = rows[Math.min(Math.max(y, 0), rows.length - 1)];
      const next = row && row.cells[Math.min(Math.max(x, 1), right)];
      if (!next) return;
      next.tabIndex = -1;
      next.focus();
    });
  }

  // What each row says is read once, at the first search.
  const search = one("#search");
  const found = one("#found");
  let index = null;
  const low = (text) => text.toLowerCase();
  const indexed = () => ({
    cells: all("tr.cells").map((row) => ({
      row,
      name: low(row.cells[0].textContent),
      cells: all("td", row).map((cell) => ({ cell, text: low(cell.title) })),
    })),
    lanes: all(".lane").map((row) => ({ row, text: low(row.textContent) })),
    batches: all(".batch").map((row) => ({
      row,
      hosts: all("li", row).map((item) => ({ item, text: low(item.textContent) })),
    })),
  });
  const texts = new WeakMap();
  const textOf = (row) => {
    if (!texts.has(row)) texts.set(row, low([...row.cells].map((cell) => cell.textContent).join(" ")));
    return texts.get(row);
  };
  // Thousands of rows take long to lay out, so a table shows no more than these until it is told.
  const FEW = 300;
  const lists = all(".list.sortable").map((table) => {
    const list = { table, most: FEW, button: document.createElement("button") };
    list.button.type = "button";
    list.button.className = "more";
    list.button.addEventListener("click", () => {
      list.most = Infinity;
      filter();
    });
    table.parentNode.after(list.button);
    return list;
  });
  const show = (list, keep) => {
    let hits = 0;
    for (const row of list.table.tBodies[0].rows) {
      const hit = keep(row);
      if (hit) hits += 1;
      put(row, "off", !hit || hits > list.most);
    }
    list.button.hidden = hits <= list.most;
    list.button.textContent = `Show ${(hits - list.most).toLocaleString("en")} more rows`;
    return hits;
  };
  const chosen = () => {
    const choice = one(".choices input:checked");
    return choice ? choice.value : "";
  };
  const wanted = (row, choice) =>
    !choice || row.classList.contains("image") || row.classList.contains(choice) || (choice === "attention" && !row.classList.contains("current"));
  const filter = () => {
    const words = low(search.value).split(/\s+/).filter(Boolean);
    const choice = chosen();
    if (!words.length && !index) {
      for (const list of lists) show(list, (row) => wanted(row, choice));
      return;
    }
    index = index || indexed();
    const matches = (text) => words.every((word) => text.includes(word));
    const count = { image: 0, host: 0 };
    for (const { row, name, cells } of index.cells) {
      const whole = matches(name);
      let any = whole;
      for (const { cell, text } of cells) {
        const hit = whole || (text !== "" && matches(text));
        any = any || hit;
        put(cell, "dim", !hit);
        if (hit && text) count.image += 1;
      }
      put(row, "off", !any);
    }
    for (const { row, text } of index.lanes) put(row, "off", !matches(text));
    for (const list of lists) {
      const hits = show(list, (row) => matches(textOf(row)) && wanted(row, choice));
      if (list.table.id === "host-list") count.host = hits;
    }
    for (const { row, hosts } of index.batches) {
      let any = false;
      for (const { item, text } of hosts) {
        const hit = matches(text);
        any = any || hit;
        put(item, "off", !hit);
      }
      put(row, "off", !any);
    }
    for (const [table, cell] of stops) {
      // A cell that is not shown cannot be reached.
      const shown = cell.closest(".off") && table.querySelector("tr.cells:not(.off) td[title]:not(.dim)");
      if (shown) stop(table, shown);
    }
    const number = (noun) => `${count[noun].toLocaleString("en")} ${noun}${count[noun] === 1 ? "" : "s"}`;
    found.textContent = words.length ? `${number("image")}, ${number("host")}` : "";
  };
  const restart = () => {
    for (const list of lists) list.most = FEW;
    filter();
  };
  let timer = 0;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(restart, 80);
  });
  for (const choice of all(".choices input")) choice.addEventListener("change", restart);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input")) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && details && !details.hidden) {
      details.hidden = true;
    } else if (event.key === "Escape" && event.target === search && search.value) {
      search.value = "";
      filter();
    }
  });

  // What works without this script stays as it is until here.
  for (const element of all("#theme, .tools, .choices, .tip")) element.hidden = false;
  filter();
})();
