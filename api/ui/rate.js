"use strict";
// The page of blind rating. It knows what the server sends: a pair with a left and a
// right answer. All text is put in as text, never as HTML: answers are hostile.
const $ = (id) => document.getElementById(id);
const base = location.pathname.replace(/\/+$/, "");
const token = location.hash.slice(1);
const buttons = [...document.querySelectorAll("[data-choice]")];
let now = null; // what the server said last: {slot, of, locked, pair, reveal}
let busy = false;
let retry = null; // what to do again when the connection is back

async function ask(path, body) {
  const request = { headers: { "X-Rating-Token": token }, cache: "no-store", credentials: "omit" };
  if (body) {
    request.method = "POST";
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let reply;
  try {
    reply = await fetch(base + path, request);
  } catch {
    throw { lost: true, message: "The server cannot be reached. Nothing that was saved is lost; this goes on by itself when it is back." };
  }
  const data = await reply.json().catch(() => null);
  if (reply.ok && data) return data;
  const error = data && data.error ? data.error : { message: "The server answered " + reply.status + "." };
  throw { code: error.code, lost: reply.status >= 500 || reply.status === 429, message: error.message };
}

// run does one thing at a time; a key that is held down, or pressed twice, counts once.
async function run(path, body, said) {
  if (busy) return;
  busy = true;
  clearTimeout(retry);
  for (const b of buttons) b.disabled = true;
  try {
    now = await ask(path, body);
    $("message").hidden = true;
    show(said);
  } catch (e) {
    $("loading").hidden = true;
    $("message").textContent = e.message;
    $("message").hidden = false;
    if (e.lost) retry = setTimeout(() => { run(path, body, said); }, 3000);
    if (e.code === "rating_locked" || e.code === "rating_out_of_order") retry = setTimeout(() => { run("/next"); }, 1500);
  } finally {
    busy = false;
    for (const b of buttons) { b.disabled = !now || !now.pair; b.classList.remove("chosen"); }
  }
}

function vote(choice) {
  if (busy || !now || !now.pair || $("guide").open) return;
  for (const b of buttons) b.classList.toggle("chosen", b.dataset.choice === choice);
  run("/votes", { slot: now.slot, choice }, "Saved.");
}

function undo() {
  if (busy || !now || now.locked || now.slot === 0 || $("guide").open) return;
  run("/undo", { slot: now.slot - 1 }, "Taken back.");
}

function show(said) {
  $("loading").hidden = true;
  const pair = now.pair;
  $("pair").hidden = $("vote").hidden = !pair;
  $("done").hidden = !!pair;
  $("undo").disabled = now.locked || now.slot === 0;
  $("bar").max = now.of;
  $("bar").value = now.slot;
  $("count").textContent = pair ? `${now.slot + 1} of ${now.of}` : `${now.slot} of ${now.of} rated`;
  $("live").textContent = pair ? `${said || ""} Pair ${now.slot + 1} of ${now.of}.` : "";
  if (!pair) return finish();
  $("messages").replaceChildren(...pair.messages.map((m) => turn(m, pair.messages.length > 1)));
  $("reference").hidden = !(pair.references && pair.references.length);
  $("references").replaceChildren(...(pair.references || []).map((text) => turn({ content: text })));
  $("left").textContent = pair.left;
  $("right").textContent = pair.right;
  $("pair").style.animation = "none"; // begin it anew
  void $("pair").offsetWidth;
  $("pair").style.animation = "";
  scrollTo(0, 0);
  $("question").focus({ preventScroll: true });
}

function turn(message, named) {
  const p = document.createElement("div");
  p.className = "turn";
  if (named) {
    const role = document.createElement("span");
    role.className = "role";
    role.textContent = { user: "Person", assistant: "Assistant", system: "Instruction" }[message.role] || message.role;
    p.append(role);
  }
  p.append(message.content);
  return p;
}

function finish() {
  const shown = now.reveal;
  $("done-title").textContent = now.locked ? "The rating is locked" : "All pairs are rated. Thank you!";
  $("done-text").textContent = now.locked ? "No vote is taken any more." : "Your votes are saved. You can still undo the last one. Which answers were whose is told here once everybody is done and the rating is locked.";
  $("reveal").hidden = $("reason").hidden = !shown;
  if (shown) {
    $("arm-a").textContent = shown.arms[0];
    $("arm-b").textContent = shown.arms[1];
    for (let i = 0; i < 3; i++) {
      $("you-" + i).textContent = shown.yours[i];
      $("all-" + i).textContent = shown.panel[i];
    }
    $("reason").textContent = shown.reason + ".";
  }
  $("done-title").focus();
}

// A browser may refuse to keep anything: then the keys work.
function wantsKeys() {
  try { return localStorage.getItem("rate-keys") !== "off"; } catch { return true; }
}

addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.repeat || !wantsKeys() || $("guide").open) return;
  const choice = { 1: "left", ArrowLeft: "left", 2: "neither", ArrowDown: "neither", 3: "right", ArrowRight: "right" }[e.key];
  // The arrow down scrolls as long as there is more to read.
  if (e.key === "ArrowDown" && innerHeight + scrollY < document.documentElement.scrollHeight - 4) return;
  if (choice) { e.preventDefault(); vote(choice); }
  else if (e.key === "u" || e.key === "U") { e.preventDefault(); undo(); }
  else if (e.key === "?") { e.preventDefault(); $("guide").showModal(); }
});
for (const b of buttons) b.addEventListener("click", () => vote(b.dataset.choice));
$("undo").addEventListener("click", undo);
$("help").addEventListener("click", () => $("guide").showModal());
$("keys").checked = wantsKeys();
$("keys").addEventListener("change", () => {
  try { localStorage.setItem("rate-keys", $("keys").checked ? "on" : "off"); } catch { /* until the page is closed */ }
});
addEventListener("hashchange", () => location.reload());

if (token) run("/next");
else {
  $("loading").hidden = true;
  $("message").textContent = "This link is not whole: behind '#' stands what lets you in. Open it as it was sent to you.";
  $("message").hidden = false;
}
