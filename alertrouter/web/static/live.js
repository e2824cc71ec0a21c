// Keeps the inbox fresh: fetches the changing part every two seconds and changes only what differs,
// so that the place one reads at, a selection and an open link stay where they are.
"use strict";

const live = document.getElementById("live");
const lost = document.getElementById("lost");
const news = document.getElementById("news");
const said = new WeakMap(); // element → the HTML that it last got; ages are rewritten in it since
let tag = null;

function children(parent) {
  return [...parent.children].filter((child) => child.dataset.key);
}

// Make `parent` hold what `fresh` holds; elements with the same data-key are kept when they say the same.
function merge(parent, fresh) {
  const old = new Map(children(parent).map((child) => [child.dataset.key, child]));
  let after = null;
  for (const wanted of children(fresh)) {
    let element = old.get(wanted.dataset.key);
    old.delete(wanted.dataset.key);
    if (!element || element.tagName !== wanted.tagName) {
      element?.remove();
      element = document.importNode(wanted, true);
      element.classList.add("is-new");
    } else if (children(wanted).length) {
      merge(element, wanted);
    } else if ((said.get(element) ?? element.innerHTML) !== wanted.innerHTML) {
      element.innerHTML = wanted.innerHTML;
      if (wanted.dataset.open) element.dataset.open = wanted.dataset.open;
    }
    said.set(element, wanted.innerHTML);
    const place = after ? after.nextElementSibling : parent.firstElementChild;
    if (element !== place) parent.insertBefore(element, place);
    after = element;
  }
  old.forEach((child) => child.remove());
}

// The message that is being read keeps its place on the screen when new ones come in above it.
function keepingPlace(change) {
  const anchor = window.scrollY > 80 && [...document.querySelectorAll(".message")].find((one) => one.getBoundingClientRect().bottom > 60);
  const before = anchor && anchor.getBoundingClientRect().top;
  change();
  if (anchor && anchor.isConnected) window.scrollBy({ top: anchor.getBoundingClientRect().top - before, behavior: "instant" });
}

function ago(seconds) {
  if (seconds < 60) return "just now";
  for (const [name, size] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${name} ago`;
  }
}

function tellAges() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    if (!time.title) time.title = time.textContent;
    const text = ago((Date.now() - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/live", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    if (answer.status === 304) { lost.hidden = true; return; }
    if (!answer.ok) throw new Error(answer.status);
    tag = answer.headers.get("ETag");
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    const known = new Set([...live.querySelectorAll(".message")].map((one) => one.dataset.key));
    const arrived = [...fresh.querySelectorAll(".message")].filter((one) => !known.has(one.dataset.key)).length;
    keepingPlace(() => merge(live, fresh));
    const open = Number(live.querySelector("[data-open]").dataset.open);
    document.title = (open ? `(${open}) ` : "") + "Inbox · alertrouter";
    if (arrived) news.textContent = arrived === 1 ? "A new message arrived." : `${arrived} new messages arrived.`;
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
}

async function turn() {
  await refresh();
  tellAges();
  setTimeout(turn, 2000);
}

document.getElementById("refresh").parentElement.hidden = true;
document.addEventListener("visibilitychange", refresh);
turn();
