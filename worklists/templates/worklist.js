"use strict";
(() => {
  const body = document.body, rm = body.dataset.rm, day = body.dataset.day;
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const one = (selector, root = document) => root.querySelector(selector);
  const COLUMNS = ["alert_id", "outcome", "cause", "offer_id", "snooze_until", "note", "recorded_at", "relationship_manager_id"];
  const KEEP_DAYS = 30;
  const wide = matchMedia("(min-width: 961px)");
  body.classList.add("js");

  // What was recorded is kept in this browser until it is saved to a file; where that is not allowed, until the page closes.
  const key = (alert) => `kehu|${rm}|${day}|${alert}`;
  const memory = new Map();
  const store = {
    get(name) { try { return localStorage.getItem(name); } catch { return memory.get(name) ?? null; } },
    set(name, value) { try { localStorage.setItem(name, value); } catch { memory.set(name, value); } },
    drop(name) { try { localStorage.removeItem(name); } catch { memory.delete(name); } },
    names() { try { return Object.keys(localStorage); } catch { return Array.from(memory.keys()); } },
  };
  const oldest = new Date(Date.parse(day) - KEEP_DAYS * 864e5).toISOString().slice(0, 10);
  store.names().filter((name) => name.startsWith("kehu|") && name.split("|")[2] < oldest).forEach(store.drop);

  const forms = all("form.record");
  const read = (alert) => { try { return JSON.parse(store.get(key(alert))); } catch { return null; } };
  const values = (form) => Object.fromEntries(new FormData(form).entries());
  const item = (alert) => one(`.calls li[data-alert="${CSS.escape(alert)}"]`);

  function localTime(now) {
    const two = (number) => String(number).padStart(2, "0"), offset = -now.getTimezoneOffset();
    const date = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
    const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
    const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
    return `${date}T${time}${zone}`;
  }

  function show(form) {
    const alert = form.dataset.alert, kept = read(alert);
    const state = one(".state", form), label = kept && one(`input[value="${kept.outcome}"] + span`, form);
    one(".snooze", form).hidden = !(kept && kept.outcome === "snoozed");
    one(".clear", form).hidden = !kept;
    state.textContent = kept ? state.dataset.recorded.replace("{time}", kept.recorded_at.slice(11, 16)) : "";
    const mark = one("[data-outcome]", item(alert));
    mark.textContent = label ? `✓ ${label.textContent}` : "";
  }

  function record(event) {
    const form = event.currentTarget, given = values(form);
    if (!given.outcome) return;
    if (given.outcome !== "snoozed") given.snooze_until = "";
    store.set(key(form.dataset.alert), JSON.stringify({ ...given, recorded_at: localTime(new Date()), saved: false }));
    show(form);
    progress();
  }

  function clear(form) {
    store.drop(key(form.dataset.alert));
    form.reset();
    show(form);
    progress();
  }

  function progress() {
    const kept = forms.map((form) => read(form.dataset.alert)).filter(Boolean), unsaved = kept.filter((entry) => !entry.saved).length;
    const told = one(".progress");
    const counted = told.dataset.template.replace("{done}", kept.length).replace("{all}", forms.length);
    const rest = unsaved ? told.dataset.unsaved.replace("{count}", unsaved) : kept.length ? told.dataset.saved : "";
    told.textContent = rest ? `${counted} · ${rest}` : counted;
    one("#save").disabled = !kept.length;
    body.dataset.unsaved = unsaved;
    filter();
  }

  // The file that `kehu outcomes` takes. A cell that a spreadsheet might evaluate gets a quote in front.
  function cell(value) {
    const flat = String(value ?? "").replace(/[\s\u0000-\u001f]+/g, " ").trim();
    return `"${(/^[\s\ufeff]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]/.test(flat) ? `'${flat}` : flat).replace(/"/g, '""')}"`;
  }

  function save() {
    const rows = [];
    for (const form of forms) {
      const alert = form.dataset.alert, kept = read(alert);
      if (!kept) continue;
      rows.push(COLUMNS.map((column) => cell({ ...kept, alert_id: alert, relationship_manager_id: rm }[column])).join(","));
      store.set(key(alert), JSON.stringify({ ...kept, saved: true }));
    }
    const file = new Blob([`\ufeff${COLUMNS.join(",")}\r\n${rows.join("\r\n")}\r\n`], { type: "text/csv;charset=utf-8" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = body.dataset.file;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    progress();
  }

  function filter() {
    const sought = one("#search").value.trim().toLowerCase(), type = one("#type").value, todo = one("#todo").checked;
    let any = false;
    for (const entry of all(".calls li")) {
      const hit = (!sought || entry.textContent.toLowerCase().includes(sought)) && (!type || entry.dataset.type === type)
        && (!todo || !read(entry.dataset.alert));
      entry.hidden = !hit;
      any = any || hit;
    }
    for (const list of all(".calls")) {
      list.hidden = all("li:not([hidden])", list).length === 0;
      if (list.previousElementSibling?.matches(".line")) list.previousElementSibling.hidden = list.hidden;
    }
    one("nav .nothing").hidden = any;
  }

  // One card at a time: beside the list on a wide screen, instead of it on a narrow one. The address keeps the choice.
  function choose(moveFocus) {
    const wanted = decodeURIComponent(location.hash.slice(1)), cards = all(".card");
    const found = cards.find((card) => card.id === wanted), card = found || (wide.matches ? cards[0] : null);
    cards.forEach((other) => other.classList.toggle("chosen", other === card));
    all(".calls a, .extras a").forEach((link) => {
      if (card && link.hash === `#${card.id}`) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    });
    body.classList.toggle("reading", Boolean(card));
    if (card && moveFocus) { one("h2", card).focus({ preventScroll: true }); scrollTo(0, 0); }
    if (!card && moveFocus) one("#list").focus();
  }

  function moved(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const links = all(".calls li:not([hidden]) a"), at = links.indexOf(document.activeElement);
    const next = links[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (at >= 0 && next) { event.preventDefault(); next.focus(); }
  }

  for (const form of forms) {
    const kept = read(form.dataset.alert);
    if (kept) {
      for (const [name, value] of Object.entries(kept)) {
        const field = form.elements.namedItem(name);
        if (field) field.value = value;
      }
    }
    form.addEventListener("change", record);
    form.addEventListener("submit", (event) => event.preventDefault());
    one(".clear", form).addEventListener("click", () => clear(form));
    show(form);
  }
  if (forms.length) {
    one(".filters").addEventListener("input", filter);
    one(".filters").addEventListener("submit", (event) => event.preventDefault());
  } else {
    one(".actions").hidden = true;
  }
  one("nav").addEventListener("keydown", moved);
  one("#save").addEventListener("click", save);
  one("#print").addEventListener("click", () => print());
  addEventListener("hashchange", () => choose(true));
  addEventListener("beforeunload", (event) => { if (Number(body.dataset.unsaved)) event.preventDefault(); });
  wide.addEventListener("change", () => choose(false));
  choose(false);
  if (forms.length) progress();
})();
