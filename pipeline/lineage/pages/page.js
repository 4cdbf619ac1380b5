"use strict";
{
  const search = document.querySelector("#search");
  const said = document.querySelector("#said");
  const parts = [...document.querySelectorAll("[data-found]")];
  const say = (text) => { said.textContent = text; };

  for (const hidden of document.querySelectorAll(".search, .tools, .copy")) hidden.hidden = false;

  // Where a browser keeps the clipboard from a page that lies on disk, the text is copied from a field.
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const field = document.createElement("textarea");
      field.value = text;
      document.body.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      if (!done) throw new Error("the clipboard cannot be reached");
    }
  };

  document.addEventListener("click", async ({ target }) => {
    if (!target.matches(".copy")) return;
    try {
      await copy(target.dataset.copy);
      target.focus();
      target.classList.add("done");
      say("Copied");
    } catch (error) {
      say(`Not copied: ${error.message}; select the digest and copy it.`);
    }
    setTimeout(() => { target.classList.remove("done"); say(""); }, 2000);
  });

  const openAll = (open) => {
    for (const details of document.querySelectorAll(".node > details")) details.open = open;
  };
  document.querySelector("#open-all")?.addEventListener("click", () => openAll(true));
  document.querySelector("#close-all")?.addEventListener("click", () => openAll(false));

  // A link to a node opens it, also a second time, when the address stays as it is.
  const follow = (hash) => {
    const details = document.getElementById(hash.slice(1))?.closest("details");
    if (details) details.open = true;
  };
  addEventListener("hashchange", () => follow(location.hash));
  document.addEventListener("click", ({ target }) => { if (target.matches("a[href^='#']")) follow(target.hash); });
  follow(location.hash);

  if (search) {
    const plain = (text) => text.replace(/\s+/g, " ").trim().toLowerCase();
    // What the search itself has opened, it closes again.
    let opened = [];
    const find = () => {
      const wanted = plain(search.value);
      for (const details of opened) details.open = false;
      for (const row of document.querySelectorAll(".found")) row.classList.remove("found");
      opened = [];
      let count = 0;
      for (const part of parts) {
        const holds = plain(part.textContent).includes(wanted);
        part.hidden = !holds;
        count += holds;
        if (!holds || !wanted) continue;
        for (const row of part.querySelectorAll("tr, dl > div, .inside > p")) {
          if (!plain(row.textContent).includes(wanted)) continue;
          row.classList.add("found");
          for (let at = row.closest("details"); at; at = at.parentElement.closest("details")) {
            if (!at.open) { at.open = true; opened.push(at); }
          }
        }
      }
      say(wanted ? `${count} of ${parts.length} have it` : "");
    };
    search.addEventListener("input", find);
    search.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { search.value = ""; find(); }
    });
    addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      search.focus();
      search.select();
    });
  }
}
