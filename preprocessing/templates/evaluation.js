"use strict";
{
  const PAGE = 10;
  const COPIED = 3;
  const END = 90;
  const element = (id) => document.getElementById(id);
  const overview = JSON.parse(element("overview").textContent);
  const blocks = [...document.querySelectorAll("script.block")];

  // A sample is [record, turn, whether the prompt goes on from the one before, the rest of it, text, references].
  const read = (number) => {
    let prompt = "";
    return JSON.parse(blocks[number].textContent).map(([record, turn, goesOn, rest, text, references]) => {
      prompt = goesOn ? prompt + rest : rest;
      return { record, turn, prompt, text, references };
    });
  };

  const WORD = /[\p{L}\p{M}\p{N}_]+(?:['\u2019][\p{L}\p{M}\p{N}_]+)*/gu;
  const words = (text) =>
    [...text.matchAll(WORD)].map((found) => ({ word: found[0].toLowerCase(), at: found.index, end: found.index + found[0].length }));

  // Of each word of a text: "copied" where it is in COPIED words or more that stand so in the source, "novel" where the source has it not.
  const kinds = (text, source, places) => {
    const found = text.map(({ word }) => (places.has(word) ? "" : "novel"));
    for (let at = 0; at < text.length; ) {
      let longest = 0;
      for (const place of places.get(text[at].word) ?? []) {
        let length = 1;
        while (text[at + length] && text[at + length].word === source[place + length]?.word) length += 1;
        longest = Math.max(longest, length);
      }
      if (longest >= COPIED) found.fill("copied", at, at + longest);
      at += Math.max(1, longest);
    }
    return found;
  };

  const make = (tag, values = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), values);
    made.append(...children);
    return made;
  };

  const marked = (text, source, places) => {
    const own = words(text);
    const kind = kinds(own, source, places);
    const block = make("div", { className: "text" });
    let at = 0;
    for (let first = 0; first < own.length; ) {
      let last = first;
      if (kind[first] === "copied") while (kind[last + 1] === "copied") last += 1;
      if (kind[first]) {
        const stretch = text.slice(own[first].at, own[last].end);
        block.append(text.slice(at, own[first].at), make("mark", { className: kind[first] }, stretch));
        at = own[last].end;
      }
      first = last + 1;
    }
    block.append(text.slice(at) || (text ? "" : "(empty)"));
    return block;
  };

  const sample = (index, { record, turn, prompt, text, references }) => {
    const source = words(prompt);
    const places = new Map();
    source.forEach(({ word }, place) => {
      if (places.has(word)) places.get(word).push(place);
      else places.set(word, [place]);
    });
    const scores = Object.entries(overview.scores).map(([name, values]) => `${name} ${values[index].toFixed(3)}`);
    const model = make("div", {}, make("h4", {}, "model"), marked(text, source, places));
    const others = make("div");
    for (const reference of references) others.append(make("h4", {}, "reference"), marked(reference, source, places));
    // The end says what was asked: the question of a turn.
    const end = prompt.slice(-END).replace(/\s+/g, " ");
    const details = make("details", {}, make("summary", {}, `What the model read: ${overview.words[index].toLocaleString("en")} words, to "${end}"`));
    details.append(make("div", { className: "text" }, prompt));
    return make("article", { className: "sample" },
      make("h3", {}, `${record}, ${turn}`), make("p", { className: "quiet" }, scores.join(", ")),
      make("div", { className: "beside" }, model, others), details);
  };

  // Park and Miller's generator: the same draw each time, so that two readers speak of the same texts.
  const shuffled = (indices) => {
    let state = 17;
    for (let last = indices.length - 1; last > 0; last -= 1) {
      state = (state * 16807) % 2147483647;
      const other = state % (last + 1);
      [indices[last], indices[other]] = [indices[other], indices[last]];
    }
    return indices;
  };

  const plain = (text) => text.replace(/\s+/g, " ").trim().toLowerCase();
  const rest = () => new Promise((done) => setTimeout(done));
  const say = (text) => { element("said").textContent = text; };
  let matching = null;
  let chosen = [];
  let first = 0;
  let search = 0;

  const show = () => {
    const indices = chosen.slice(first, first + PAGE);
    const known = new Map(indices.map((index) => Math.floor(index / overview.block)).map((number) => [number, read(number)]));
    element("shown").replaceChildren(...indices.map((index) =>
      sample(index, known.get(Math.floor(index / overview.block))[index % overview.block])));
    element("previous").disabled = first === 0;
    element("next").disabled = first + PAGE >= chosen.length;
    const total = chosen.length.toLocaleString("en");
    const all = chosen.length === overview.texts ? "" : `, of ${overview.texts.toLocaleString("en")} in all`;
    say(chosen.length ? `${(first + 1).toLocaleString("en")} to ${(first + indices.length).toLocaleString("en")} of ${total}${all}` : `No text${all}`);
  };

  const choose = () => {
    const values = overview.scores[element("score").value];
    const bound = (id, none) => (element(id).value === "" ? none : Number(element(id).value));
    const least = bound("least", -Infinity);
    const most = bound("most", Infinity);
    chosen = (matching ?? values.map((_, index) => index)).filter((index) => values[index] >= least && values[index] <= most);
    const order = element("order").value;
    if (order === "best") chosen.sort((one, two) => values[two] - values[one] || one - two);
    if (order === "worst") chosen.sort((one, two) => values[one] - values[two] || one - two);
    if (order === "random") shuffled(chosen);
    first = 0;
    show();
  };

  // The texts are read block by block, and a later search ends an earlier one.
  const find = async () => {
    const own = (search += 1);
    const wanted = plain(element("search").value);
    const found = [];
    let seen = performance.now();
    for (let number = 0; wanted && number < blocks.length; number += 1) {
      read(number).forEach(({ record, prompt, text, references }, place) => {
        if (plain([record, prompt, text, ...references].join("\n")).includes(wanted)) found.push(number * overview.block + place);
      });
      if (performance.now() - seen > 50) {
        say(`Searching: ${Math.round((100 * number) / blocks.length)} %`);
        await rest();
        if (own !== search) return;
        seen = performance.now();
      }
    }
    matching = wanted ? found : null;
    choose();
  };

  const copy = element("copy");
  if (copy) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      // Where a browser keeps the clipboard from a page that lies on disk, the selected text is copied.
      let done = true;
      try {
        await navigator.clipboard.writeText(element("signature").textContent);
      } catch {
        getSelection().selectAllChildren(element("signature"));
        done = document.execCommand("copy");
      }
      copy.textContent = done ? "Copied" : "Selected";
      setTimeout(() => { copy.textContent = "Copy"; }, 2000);
    });
  }

  if (overview.texts) {
    element("samples").hidden = false;
    const names = Object.keys(overview.scores);
    for (const name of names) element("score").append(new Option(name, name));
    element("score").value = names.find((name) => name !== "non_empty") ?? names[0];
    for (const id of ["score", "order", "least", "most"]) element(id).addEventListener("input", choose);
    element("search").addEventListener("input", find);
    document.querySelector(".controls").addEventListener("submit", (event) => event.preventDefault());
    const turn = (by) => {
      first += by;
      show();
      element("shown").scrollIntoView();
    };
    element("previous").addEventListener("click", () => turn(-PAGE));
    element("next").addEventListener("click", () => turn(PAGE));
    addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target.matches("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      element("search").focus();
      element("search").select();
    });
    choose();
  }
}
