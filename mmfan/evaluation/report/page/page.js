// The page of a report is whole without this; with it, tables are sorted, models and columns are switched off, plots
// answer to the pointer, and pictures are shown a cell at a time. Texts are set as texts, never as markup.
"use strict";
(() => {
  const all = (what, within = document) => [...within.querySelectorAll(what)];

  function make(name, attributes = {}, ...content) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...content);
    return made;
  }

  const controls = make("div", { class: "controls", role: "region", "aria-label": "What is shown" });

  // A choice of a few texts; `chosen` gets the number of the one taken.
  function choice(texts, chosen) {
    const box = make("select", {}, ...texts.map((text, at) => make("option", { value: at }, text)));
    box.addEventListener("change", () => chosen(Number(box.value)));
    return box;
  }

  function tick(content, changed) {
    const box = make("input", { type: "checkbox" });
    box.checked = true;
    box.addEventListener("change", () => changed(box.checked));
    return make("label", {}, box, ...content);
  }

  // Models and columns.
  function switches() {
    const off = { model: new Set(), part: new Set() };
    const names = { model: new Map(), part: new Map() };
    for (const one of all("[data-model], [data-part]")) {
      for (const kind of ["model", "part"]) {
        const key = one.dataset[kind];
        if (key === undefined || names[kind].has(key)) continue;
        const shown = document.querySelector(`.legend [data-model="${CSS.escape(key)}"]`);
        const row = one.closest("tr")?.querySelector("th span");
        const name = kind === "model" ? (shown ? shown.firstChild.cloneNode(true) : row.textContent) : key;
        names[kind].set(key, name);
      }
    }
    const apply = () => {
      for (const one of all("[data-model], [data-part]")) {
        one.classList.toggle("off", off.model.has(one.dataset.model) || off.part.has(one.dataset.part));
      }
    };
    const boxes = (kind, keys) => keys.map((key) => tick([names[kind].get(key)], (on) => {
      off[kind][on ? "delete" : "add"](key);
      apply();
    }));
    const models = [...names.model.keys()];
    const own = models.filter((key) => typeof names.model.get(key) !== "string");
    const others = models.filter((key) => !own.includes(key));
    if (models.length > 1) offer("Models", "models", boxes("model", own), own.length > 6);
    if (others.length) offer("Published rows and groups", "others", boxes("model", others), true);
    if (names.part.size > 1) offer("Columns and metrics", "parts", boxes("part", [...names.part.keys()]), true);
  }

  // Some boxes to tick; folded, with one for all of them.
  function offer(title, name, boxes, folded) {
    if (!folded) {
      controls.append(make("fieldset", { class: name }, make("legend", {}, title), ...boxes));
      return;
    }
    const every = tick(["all"], (on) => {
      for (const box of boxes.map((label) => label.querySelector("input"))) if (box.checked !== on) box.click();
    });
    controls.append(make("details", { class: name }, make("summary", {}, title),
      make("fieldset", { "aria-label": title }, every, ...boxes)));
  }

  // Light, dark, or what the system says; kept where the browser lets a file keep it, and set before anything is drawn.
  const schemes = ["system", "light", "dark"];
  const kept = () => {
    try { return Math.max(0, schemes.indexOf(localStorage.getItem("mmfan-colours"))); } catch { return 0; }
  };
  const dress = (at) => {
    if (at) document.documentElement.dataset.colours = schemes[at];
    else delete document.documentElement.dataset.colours;
  };
  dress(kept());

  function colours() {
    const box = choice(schemes, (at) => {
      dress(at);
      try { localStorage.setItem("mmfan-colours", schemes[at]); } catch { /* not kept */ }
    });
    box.value = kept();
    controls.append(make("label", { class: "colours" }, "Colours", box));
  }

  // A table is sorted by a click on the head of a column: once, the other way round, and as it was. Rows that sum up
  // others stay at the ends; what has no number comes last.
  function sortable(table) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const plain = rows.filter((row) => !row.classList.contains("sum"));
    if (plain.length < 2) return;
    const first = rows.indexOf(plain[0]);
    const above = rows.slice(0, first);
    const below = rows.slice(first).filter((row) => row.classList.contains("sum"));
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, place) => {
      const numbers = head.classList.contains("number") && plain.some((row) => row.cells[place].dataset.value);
      const button = make("button", { type: "button", title: "Sort by this column" }, head.textContent);
      button.addEventListener("click", () => {
        const ways = numbers ? ["descending", "ascending", ""] : ["ascending", "descending", ""];
        const way = ways[(ways.indexOf(head.getAttribute("aria-sort") ?? "") + 1) % 3];
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (way) head.setAttribute("aria-sort", way);
        table.classList.toggle("sorted", way !== "");
        body.append(...(way ? [...above, ...order(plain, place, numbers, way), ...below] : rows));
      });
      head.replaceChildren(button);
    });
  }

  function order(rows, place, numbers, way) {
    const sign = way === "ascending" ? 1 : -1;
    if (!numbers) {
      const text = (row) => row.cells[place].textContent;
      return [...rows].sort((a, b) => sign * text(a).localeCompare(text(b), "en", { numeric: true }));
    }
    const value = (row) => Number(row.cells[place].dataset.value ?? NaN);
    const known = rows.filter((row) => !Number.isNaN(value(row)));
    return [...known.sort((a, b) => sign * (value(a) - value(b))), ...rows.filter((row) => !known.includes(row))];
  }

  // Values of plots, beside the pointer: of a bar, of all curves at the nearest severity, or of the nearest point.
  function hints() {
    for (const one of all(".hint")) {
      const title = one.querySelector("title");
      one.dataset.hint = title.textContent;
      title.remove();
    }
    const box = make("div", { class: "hint-box", "aria-hidden": "true" });
    box.hidden = true;
    document.body.append(box);
    const show = (event) => {
      const curves = event.target.closest?.(".curves svg");
      const bar = event.target.closest?.(".bar.hint");
      const found = curves ? nearest(all(".hint", curves), event) : bar ? [bar] : [];
      box.hidden = found.length === 0;
      if (box.hidden) return;
      box.textContent = found.map((one) => one.dataset.hint).join("\n");
      const room = document.documentElement.clientWidth - box.offsetWidth - 8;
      box.style.left = `${Math.max(8, Math.min(event.clientX + 12, room))}px`;
      box.style.top = `${Math.max(8, event.clientY - box.offsetHeight - 12)}px`;
    };
    document.addEventListener("pointermove", show);
    document.addEventListener("pointerdown", show);
  }

  function nearest(dots, pointer) {
    const seen = dots.filter((one) => one.getClientRects().length);
    const stepless = (one) => one.dataset.step === undefined; // a point of a plane, which has both of its numbers
    const far = (one) => {
      const box = one.getBoundingClientRect();
      const down = stepless(one) ? pointer.clientY - box.y - box.height / 2 : 0;
      return Math.hypot(pointer.clientX - box.x - box.width / 2, down);
    };
    const first = seen.reduce((best, one) => (best && far(best) <= far(one) ? best : one), null);
    return seen.filter((one) => (stepless(first) ? one === first : one.dataset.step === first.dataset.step));
  }

  // One picture, one type of corruption, and a slider from the clean picture to the highest severity that was kept.
  function viewer(gallery) {
    const pictures = all(".picture", gallery);
    const state = { picture: 0, kind: "", level: 0 };
    const cells = () => all(".cell", pictures[state.picture]);
    const kinds = () => [...new Set(cells().map((cell) => cell.dataset.corruption).filter(Boolean))];
    const steps = () => cells().filter((cell) => ["", state.kind].includes(cell.dataset.corruption));
    const said = make("output", {});
    const slider = make("input", { type: "range", min: 0, step: 1, "aria-label": "Severity" });
    const picture = choice(pictures.map((one) => one.dataset.name), (at) => { state.picture = at; show(); });
    const kind = make("select", { "aria-label": "Corruption" });
    kind.addEventListener("change", () => { state.kind = kind.value; show(); });
    slider.addEventListener("input", () => { state.level = Number(steps()[slider.value].dataset.severity); show(); });

    function show() {
      const there = kinds();
      if (!there.includes(state.kind)) state.kind = there[0] ?? "";
      kind.replaceChildren(...(there.length ? there : ["clean"]).map((name) => make("option", {}, name)));
      kind.value = state.kind || "clean";
      const own = steps();
      // the same severity in another type, or the next one below
      const at = Math.max(0, own.findLastIndex((cell) => Number(cell.dataset.severity) <= state.level));
      const cell = own[at];
      slider.max = own.length - 1;
      slider.value = at;
      slider.disabled = own.length < 2;
      said.textContent = cell.dataset.said;
      slider.setAttribute("aria-valuetext", `${cell.dataset.corruption || "clean"} ${cell.dataset.severity}`);
      pictures.forEach((one, number) => { one.hidden = number !== state.picture; });
      for (const one of cells()) one.hidden = one !== cell;
      lay(cell);
    }

    // errors are drawn over the picture that the model was given
    function lay(cell) {
      for (const stack of all(".stack", cell)) {
        if (stack.children.length > 1) continue;
        const under = cell.querySelector(".given img").cloneNode();
        under.alt = "";
        stack.prepend(under);
      }
    }

    function step(by) {
      const at = Number(slider.value) + by;
      if (at >= 0 && at < steps().length) { state.level = Number(steps()[at].dataset.severity); show(); }
    }

    function turn(by) {
      const there = kinds();
      if (there.length) { state.kind = there[(there.indexOf(state.kind) + by + there.length) % there.length]; show(); }
    }

    const keys = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => turn(-1), ArrowDown: () => turn(1) };
    gallery.addEventListener("keydown", (event) => {
      if (event.target !== gallery || !keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
    const parts = { given: "input", truth: "truth", prediction: "predictions", wrong: "errors" };
    const ticks = Object.entries(parts).filter(([part]) => gallery.querySelector(`.${part}`)).map(([part, name]) =>
      tick([name], (on) => gallery.classList.toggle(`without-${part}`, !on)));
    gallery.before(
      make("div", { class: "viewing" },
        ...(pictures.length > 1 ? [make("label", {}, "Picture", picture)] : []),
        make("div", { class: "show", role: "group", "aria-label": "Parts of the viewer" }, ...ticks)),
      make("p", { class: "lead keys" }, "With the pictures in focus, ← and → change the severity, ↑ and ↓ the corruption."),
      make("div", { class: "viewing steering" },
        make("label", {}, "Corruption", kind), make("label", {}, "Severity", slider, said)),
    );
    link((corruption, severity) => {
      const has = (one) => all(".cell", one).some((cell) => cell.dataset.corruption === corruption);
      if (!has(pictures[state.picture])) state.picture = Math.max(0, pictures.findIndex(has)); // pictures of weather
      picture.value = state.picture;
      Object.assign(state, { kind: corruption, level: severity });
      show();
      gallery.focus();
    },
      new Set(all(".cell", gallery).map((cell) => `${cell.dataset.corruption} ${cell.dataset.severity}`)));
    gallery.classList.add("viewer");
    gallery.tabIndex = 0;
    gallery.setAttribute("role", "group");
    gallery.setAttribute("aria-label", "Pictures; arrow keys change severity and corruption");
    show();
  }

  // Cells of the heat maps lead to their pictures.
  function link(go, there) {
    for (const table of all("table.heat")) {
      const levels = [...table.tHead.rows[0].cells].map((head) => head.textContent);
      for (const cell of all("td", table)) {
        const corruption = cell.parentElement.cells[0].textContent;
        const level = levels[cell.cellIndex];
        if (!there.has(`${corruption} ${level}`)) continue;
        const button = make("button", { type: "button", title: "Show the pictures" }, cell.textContent);
        button.addEventListener("click", () => go(corruption, Number(level)));
        cell.replaceChildren(button);
      }
    }
    document.querySelector("#cells .lead")?.append(" Cells whose pictures were kept lead to them.");
  }

  // What is folded is printed too.
  function printing() {
    let folded = [];
    addEventListener("beforeprint", () => {
      folded = all("main details:not([open])");
      for (const one of folded) one.open = true;
    });
    addEventListener("afterprint", () => { for (const one of folded) one.open = false; });
  }

  addEventListener("DOMContentLoaded", () => {
    switches();
    colours();
    document.querySelector("main").before(controls);
    // what else stays at the top stays below this
    new ResizeObserver(() => {
      document.documentElement.style.setProperty("--bar", `${controls.offsetHeight}px`);
    }).observe(controls);
    all("main table").forEach(sortable);
    hints();
    all(".gallery").forEach(viewer);
    printing();
  });
})();
