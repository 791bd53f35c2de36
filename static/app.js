/* Recon: what pages do beyond links and forms. All of it is an addition: pages work without this file.
   1 Choices  2 Menus, dialogs, toasts  3 Keys in lists and in the queue  4 Selection  5 Dropping files  6 HTMX */
(() => {
  "use strict";
  const root = document.documentElement;
  const on = (type, react, options) => document.addEventListener(type, react, options);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  root.classList.add("js");

  /* 1. Choices: kept in cookies, so that the server can render them and nothing flashes. */
  const keep = (name, value) => {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${name}=${value}; Path=/; Max-Age=${value ? 31536000 : 0}; SameSite=Lax${secure}`;
  };
  on("change", ({ target }) => {
    if (target.matches("[data-theme-choice] input")) {
      keep("theme", target.value);
      if (target.value) root.dataset.theme = target.value;
      else delete root.dataset.theme;
    } else if (target.matches("[data-shortcuts-choice]")) {
      keep("shortcuts", target.checked ? "" : "off");
      if (target.checked) delete root.dataset.shortcuts;
      else root.dataset.shortcuts = "off";
    }
  });

  /* 2. Menus close on a click elsewhere, on Escape, and when another opens. */
  const close = (menu) => {
    const held = menu.contains(document.activeElement);
    menu.open = false;
    if (held) menu.querySelector("summary").focus();
  };
  on("click", ({ target }) => {
    all("details.menu[open]").filter((menu) => !menu.contains(target)).forEach((menu) => { menu.open = false; });
    target.closest("[data-close]")?.closest("dialog")?.close();
    target.closest("[data-dismiss]")?.closest(".toast")?.remove();
  });
  on("click", (event) => {
    const dialog = document.getElementById(event.target.closest("[data-dialog]")?.dataset.dialog ?? "");
    if (!dialog?.showModal) return;
    event.preventDefault();
    dialog.showModal();
  });
  on("click", ({ target }) => { if (target.closest("[data-print]")) window.print(); });
  on("focusout", ({ target, relatedTarget }) => {
    const menu = target.closest?.("details.menu[open]");
    if (menu && relatedTarget && !menu.contains(relatedTarget)) menu.open = false;
  });

  const QUIET_AFTER = 10000;
  const toasts = () => document.getElementById("toasts");
  const fade = (toast) => {
    if (!toast.matches(".is-done") || toast.querySelector("a, form")) return;
    const leave = () => setTimeout(() => {
      if (toast.matches(":hover, :focus-within")) leave();
      else toast.remove();
    }, QUIET_AFTER);
    leave();
  };
  const say = (text, tone = "rejected") => {
    const toast = document.getElementById("toast").content.firstElementChild.cloneNode(true);
    toast.className = `toast is-${tone}`;
    if (tone === "done") toast.querySelector("use").setAttribute("href", "#i-match");
    toast.querySelector("span").textContent = text;
    all(".toast", toasts()).filter((old) => old.textContent === toast.textContent).forEach((old) => old.remove());
    toasts().append(toast);
    fade(toast);
  };
  all(".toast").forEach(fade);
  on("toast", ({ detail }) => say(detail.text ?? detail.value, detail.tone ?? "done")); /* HX-Trigger: {"toast": {"text": "…"}} */

  /* 3. Keys in lists: J and K move from row to row, O opens, X selects, E explains, / goes to the search. They can be switched off. */
  const rows = () => all(".list tbody tr").filter((row) => row.querySelector("a, input") && row.getClientRects().length);
  const handle = (row) => row.querySelector("th a, a") ?? row.querySelector("input");
  const here = () => document.activeElement?.closest?.(".list tbody tr");
  const move = (step) => {
    const list = rows();
    const from = list.indexOf(here() ?? document.querySelector(".list tr[aria-current]"));
    const row = list[from < 0 ? (step > 0 ? 0 : list.length - 1) : Math.min(Math.max(from + step, 0), list.length - 1)];
    if (!row) return false;
    handle(row).focus();
    row.scrollIntoView({ block: "nearest" });
    return true;
  };
  const KEYS = {
    j: () => move(1),
    k: () => move(-1),
    o: () => { const row = here(); row?.querySelector("th a, a")?.click(); return row; },
    x: () => { const box = here()?.querySelector("input[type=checkbox]"); box?.click(); return box; },
    e: () => { /* explain: the selected rows, else the row that is open */
      const bar = document.querySelector(".list:has(tbody :checked) details[data-key=e]");
      if (bar) bar.open = true;
      const field = bar?.querySelector("select[name=cause]") ?? document.querySelector(".panel [data-key=e]");
      field?.focus();
      return field;
    },
    "/": () => {
      const field = all("main [type=search], .bar [type=search]").find((one) => one.getClientRects().length);
      field?.focus();
      field?.select();
      return field;
    },
  };
  /* In the queue of questions a key presses what says so: a button, a link, or a sheet, which opens with its field. Held down, it presses once. */
  const press = (event) => {
    const queue = document.getElementById("queue");
    if (!queue) return false;
    const key = event.key.toLowerCase();
    const found = all(`[data-press="${CSS.escape(key)}"]`, queue).find((one) => one.getClientRects().length)
      ?? (key === "u" ? document.querySelector("#toasts form button") : null);
    if (!found) return false;
    if (event.repeat || queue.matches("[aria-busy]")) return true;
    if (!found.matches("details")) { found.click(); return true; }
    all("details.menu[open]").filter((menu) => menu !== found).forEach((menu) => { menu.open = false; });
    found.open = true;
    found.querySelector("input:not([type=hidden])")?.focus();
    return true;
  };
  on("keydown", (event) => {
    if (event.key === "Escape") {
      const open = all("details.menu[open]").at(-1);
      if (open) close(open);
      return;
    }
    const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable], dialog[open]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || root.dataset.shortcuts === "off") return;
    if (press(event) || KEYS[event.key.toLowerCase()]?.()) event.preventDefault();
  });

  /* 4. Selection: one box for the page's rows, and how many are chosen. */
  on("change", ({ target }) => {
    const list = target.closest?.(".list");
    if (!list || target.type !== "checkbox") return;
    const boxes = all("tbody input[type=checkbox]", list);
    if (target.matches("[data-select-all]")) boxes.forEach((box) => { box.checked = target.checked; });
    const chosen = boxes.filter((box) => box.checked).length;
    all("[data-select-all]", list).forEach((box) => {
      box.checked = chosen > 0 && chosen === boxes.length;
      box.indeterminate = chosen > 0 && chosen < boxes.length;
    });
    all("[data-selected]", list).forEach((place) => { place.textContent = `${chosen} ${chosen === 1 ? "row" : "rows"} selected`; });
  });
  on("click", ({ target }) => {
    if (!target.closest("[data-clear]")) return;
    const boxes = all("tbody :checked", target.closest(".list"));
    boxes.forEach((box) => { box.checked = false; });
    boxes[0]?.dispatchEvent(new Event("change", { bubbles: true }));
    boxes[0]?.focus();
  });

  /* 5. Dropping files: anywhere on a page with a .drop; what was chosen is named, and sent unless the form has data-manual. */
  const zone = () => document.querySelector(".drop:not([aria-disabled])");
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  const lit = (is) => zone()?.classList.toggle("is-over", is);
  on("dragenter", (event) => { if (carriesFiles(event) && zone()) { depth += 1; lit(true); } });
  on("dragleave", (event) => { if (carriesFiles(event) && zone()) { depth -= 1; lit(depth > 0); } });
  on("dragover", (event) => { if (carriesFiles(event) && zone()) event.preventDefault(); });
  on("drop", (event) => {
    const input = zone()?.querySelector("input[type=file]");
    if (!input || !carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    lit(false);
    const { files } = event.dataTransfer;
    if (!input.multiple && files.length > 1) { say("One file at a time is taken here."); return; }
    input.files = files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  on("change", ({ target }) => {
    const drop = target.closest?.(".drop");
    if (!drop || target.type !== "file" || !target.files.length) return;
    let place = drop.querySelector("[data-chosen]");
    if (!place) {
      place = document.createElement("span");
      place.className = "chosen";
      place.dataset.chosen = "";
      drop.append(place);
    }
    place.textContent = [...target.files].map((file) => file.name).join(", ");
    const { form } = target;
    if (form && !("manual" in form.dataset)) form.requestSubmit();
  });
  on("submit", ({ target }) => {
    const drop = target.querySelector(".drop");
    if (drop?.querySelector("input[type=file]").files.length) drop.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => all(".drop[aria-busy]").forEach((drop) => drop.removeAttribute("aria-busy")));

  /* 6. HTMX: busy while it waits, focus where it was, and a word when it fails. */
  const TROUBLE = {
    0: "The server cannot be reached. Is the network there? Nothing was changed.",
    403: "Your role on this account does not allow that. Nothing was changed.",
    404: "That is no longer here. Load the page again to see what is.",
    409: "Somebody else was quicker. Load the page again to see what changed.",
    413: "That file is too large. It was not taken.",
    429: "Too many tries. Wait a minute, then try once more.",
  };
  const fail = (status) => say(TROUBLE[status] ?? `Something went wrong here (${status}). Try once more in a minute.`);
  on("htmx:responseError", ({ detail }) => fail(detail.xhr.status));
  on("htmx:sendError", () => fail(0));
  on("htmx:timeout", () => say("No answer for half a minute. Try once more."));

  const busy = (event, is) => {
    const place = event.detail.target ?? event.target;
    if (is) place.setAttribute("aria-busy", "true");
    else place.removeAttribute?.("aria-busy");
  };
  on("htmx:beforeRequest", (event) => busy(event, true));
  on("htmx:afterRequest", (event) => busy(event, false));
  on("htmx:oobAfterSwap", ({ detail }) => { if (detail.target.id === "toasts") all(".toast", detail.target).forEach(fade); });
  on("htmx:xhr:progress", ({ target, detail }) => {
    const bar = target.querySelector?.("progress");
    if (!bar || !detail.lengthComputable) return;
    bar.hidden = false;
    bar.max = detail.total;
    bar.value = detail.loaded;
  });

  let held = null;
  on("htmx:beforeSwap", ({ detail }) => {
    /* A whole page from another address is the sign-in page: go there instead of putting it into this one. */
    const came = detail.xhr.responseURL && new URL(detail.xhr.responseURL);
    const asked = new URL(detail.pathInfo?.requestPath ?? location.href, location.href);
    if (came && came.pathname !== asked.pathname && /^\s*<!doctype/i.test(detail.xhr.response)) {
      detail.shouldSwap = false;
      location.assign(came);
      return;
    }
    const active = document.activeElement;
    held = detail.target.contains(active) && active !== document.body
      ? { id: active.id, href: active.getAttribute("href"), row: active.closest("tr[id]")?.id, list: active.closest(".list")?.id }
      : null;
  });
  on("htmx:afterSettle", () => {
    if (!held || (document.activeElement && document.activeElement !== document.body)) return;
    const { id, href, row, list } = held;
    held = null;
    const found = (id && document.getElementById(id))
      || (row && document.getElementById(row) && handle(document.getElementById(row)))
      || (href && document.querySelector(`main a[href="${CSS.escape(href)}"]`))
      || (list && document.querySelector(`#${CSS.escape(list)} .pager [aria-current]`))
      || document.querySelector(".list .pager [aria-current]");
    found?.focus({ preventScroll: true });
  });
  /* After an answer the next question is read out, and is where the keyboard is. */
  on("htmx:afterSettle", ({ detail }) => {
    const { count } = document.getElementById("queue")?.dataset ?? {};
    if (count) all("[data-count-of=queue]").forEach((place) => { place.textContent = count; place.hidden = count === "0"; });
    if (detail.requestConfig?.elt.closest?.("#pair, .items")) document.getElementById("pair-h")?.focus({ preventScroll: true });
  });
})();
