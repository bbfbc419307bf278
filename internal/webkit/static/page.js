// SPDX-License-Identifier: AGPL-3.0-or-later
// What scripts add to pages that are complete without them: live regions, copy
// buttons, passwords to show, what is known of a name, menus that close with Esc. Attributes in the page say where.

// A live region: <div data-live="/jobs/3/events">. It is not changed under the
// reader's focus, nor while text in it is selected.
for (const region of document.querySelectorAll("[data-live]")) {
  const source = new EventSource(region.dataset.live);
  const said = document.querySelector("[data-said]");
  let waiting = null, last = Date.now(), spoken = 0;
  const patch = (html) => {
    const chosen = getSelection();
    if (region.contains(document.activeElement) || !chosen.isCollapsed && region.contains(chosen.anchorNode)) { waiting = html; return; }
    waiting = null;
    region.innerHTML = html;
    decorate(region);
  };
  const speak = (text) => {
    if (!said || said.textContent === text || Date.now() - spoken < 5000) return;
    spoken = Date.now();
    said.textContent = text;
  };
  region.addEventListener("focusout", () => setTimeout(() => { if (waiting !== null) patch(waiting); }));
  source.addEventListener("patch", (e) => { last = Date.now(); patch(e.data); });
  source.addEventListener("said", (e) => { last = Date.now(); spoken = 0; speak(e.data); });
  source.addEventListener("title", (e) => { document.title = e.data; });
  source.addEventListener("end", (e) => { source.close(); clearInterval(watch); if (e.data) location.assign(e.data); else location.reload(); });
  const watch = setInterval(() => {
    const silent = Math.round((Date.now() - last) / 1000);
    if (silent > 20) speak(document.body.dataset.silentWord.replace("{n}", silent));
  }, 5000);
  addEventListener("pagehide", () => source.close());
}

// Copy buttons beside values to copy, where the clipboard can be used.
function decorate(root) {
  if (!navigator.clipboard) return;
  for (const value of root.querySelectorAll("code[data-copy]:not([data-ready])")) {
    value.dataset.ready = "";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn sm";
    button.textContent = document.body.dataset.copyWord;
    button.setAttribute("aria-describedby", value.id);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(value.textContent);
      button.textContent = document.body.dataset.copiedWord;
      setTimeout(() => { button.textContent = document.body.dataset.copyWord; }, 2000);
    });
    value.after(button);
  }
}
decorate(document);

// A button shows what is typed into a field for a new password.
for (const field of document.querySelectorAll("input[autocomplete=new-password]")) {
  const button = document.createElement("button");
  const say = () => { button.textContent = field.type === "password" ? document.body.dataset.showWord : document.body.dataset.hideWord; };
  button.type = "button";
  button.className = "btn sm";
  button.setAttribute("aria-controls", field.id);
  button.addEventListener("click", () => { field.type = field.type === "password" ? "text" : "password"; say(); });
  field.form?.addEventListener("submit", () => { field.type = "password"; });
  say();
  field.after(button);
}

// What is known of a value while it is typed: <input data-look="/path?name=">.
for (const field of document.querySelectorAll("input[data-look]")) {
  const known = document.getElementById(`k-${field.name}`);
  let timer = 0, asked = "";
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const value = asked = field.value.trim();
      const answer = value ? await fetch(field.dataset.look + encodeURIComponent(value)).catch(() => null) : null;
      const text = answer?.ok ? await answer.text() : "";
      if (asked === value) { known.textContent = text; known.hidden = !text; }
    }, 500);
  });
}

// Menus close with Esc and with a click beside them.
addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
addEventListener("click", (e) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(e.target)) menu.open = false;
});
