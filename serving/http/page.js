"use strict";

const form = document.getElementById("request");
const text = document.getElementById("text");
const said = document.getElementById("said");
const generate = document.getElementById("generate");
const stop = document.getElementById("stop");

/** What the form asks for; a field that is empty is left open. */
function asked() {
  const request = { stream: true, prompt: form.elements.prompt.value };
  for (const field of form.querySelectorAll("input")) {
    if (field.value !== "") request[field.name] = Number(field.value);
  }
  return request;
}

/** Calls `take` with the data of each server-sent event of an answer. */
async function eachEvent(answer, take) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (held + value).split("\n\n");
    held = events.pop();
    events.forEach((event) => take(event.slice("data: ".length)));
  }
}

function say(message, failed) {
  said.textContent = message;
  said.className = failed ? "failed" : "quiet";
}

function show(data) {
  if (data === "[DONE]") return;
  const event = JSON.parse(data);
  if (event.error) throw new Error(event.error.message);
  for (const choice of event.choices) {
    text.append(choice.text);
    if (choice.finish_reason === null) continue;
    const digest = event.system_fingerprint ? `, digest ${event.system_fingerprint}` : "";
    say(`Ended by ${choice.finish_reason}; seed ${event.seed}${digest}.`, false);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const control = new AbortController();
  stop.onclick = () => control.abort();
  text.textContent = "";
  say("Writing.", false);
  generate.disabled = true;
  stop.disabled = false;
  try {
    const answer = await fetch("/v1/completions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(asked()),
      signal: control.signal,
    });
    if (!answer.ok) throw new Error((await answer.json()).error.message);
    await eachEvent(answer, show);
  } catch (error) {
    say(control.signal.aborted ? "Stopped." : error.message, !control.signal.aborted);
  } finally {
    generate.disabled = false;
    stop.disabled = true;
  }
});
