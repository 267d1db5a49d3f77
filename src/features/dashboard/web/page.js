/**
 * The script of the dashboard: login, navigation, live updates and changes.
 *
 * The bot renders all pages. This script fetches them with the token of the session, which it keeps
 * in `sessionStorage`: in this tab, until it closes.
 */

/** Where the dashboard's addresses begin, below the path of any proxy. */
const BASE = new URL("../", import.meta.url).pathname;
const KEY = `barnacle-session ${BASE}`; // other bots may be at other paths of this origin
/** Milliseconds between two looks at the bot. */
const LOOK_MS = 2_000;

const byId = (id) => document.getElementById(id);
const main = byId("page");

const session = () => sessionStorage.getItem(KEY);
const endSession = () => sessionStorage.removeItem(KEY);

/** The one place that turns text into elements: HTML that the bot rendered, where JSX escapes data. */
const policy = globalThis.trustedTypes?.createPolicy("dashboard", { createHTML: (html) => html });
function elementsOf(html) {
  const made = document.createElement("template");
  made.innerHTML = policy ? policy.createHTML(html) : html;
  return made.content;
}

/** How to log in again. */
const AGAIN = "Run `barnacle dashboard` again, and open its address.";

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Asks the bot; ends the session if the bot no longer knows it. */
async function ask(path, { method = "GET", body, signal, known } = {}) {
  const token = session();
  const answer = await fetch(BASE + path, {
    method,
    signal,
    cache: "no-store",
    headers: {
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(known && { "If-None-Match": known }),
      ...(body && { "Content-Type": "application/json" }),
    },
    body: body && JSON.stringify(body),
  });
  if (answer.ok || answer.status === 304) return answer;
  const refused = new Refused(answer.status, (await answer.text()) || answer.statusText);
  if (answer.status === 401 && token) {
    endSession();
    showLogin(`The session has ended. ${AGAIN}`);
  }
  throw refused;
}

/** Whether a proxy in front of the bot says that the bot does not answer. */
const isAway = (error) => [502, 504].includes(error.status);

/** The words for a failure. */
const wordsOf = (error) =>
  error instanceof Refused && !isAway(error) ? error.message : "The bot does not answer";

/* Login */

/** The token of a login link; `""` if the address has none, or names a part of the page. */
function linkToken() {
  const token = location.hash.slice(1);
  return byId(token) ? "" : token;
}

function showLogin(text) {
  stopLive();
  const token = linkToken();
  main.hidden = byId("pages").hidden = byId("logout").hidden = true;
  byId("login").hidden = false;
  byId("login-button").hidden = token === "";
  if (token !== "") byId("login-text").textContent = "This link logs you in once.";
  if (text) byId("login-text").textContent = text;
  document.title = "Log in · Barnacle";
  byId("login-button").focus();
}

byId("login-button").addEventListener("click", () => void login());

async function login() {
  try {
    const token = linkToken();
    const answer = await ask("login", { method: "POST", body: { token } });
    endSession();
    sessionStorage.setItem(KEY, (await answer.json()).token);
    history.replaceState(null, "", location.pathname);
    byId("problem").textContent = "";
    await open(location.href, { isNew: true });
  } catch (error) {
    byId("login-text").textContent = wordsOf(error);
    byId("login-button").hidden = error instanceof Refused && !isAway(error);
  }
}

byId("logout").addEventListener("click", async () => {
  stopLive(); // or it would ask again with the token that has just ended
  await ask("logout", { method: "POST", body: {} }).catch(() => {});
  endSession();
  history.replaceState(null, "", `${BASE}today`);
  showLogin("You are logged out. `barnacle dashboard` prints a new link.");
});

/* Pages */

/** `"feed"` and `"?message=1"` of an address. */
function placeOf(address) {
  const { pathname, search } = new URL(address, location.href);
  return { path: pathname.slice(BASE.length), search };
}

let opening = 0;

/** Shows the page of an address. */
async function open(address, { isNew = false } = {}) {
  const place = placeOf(address);
  const number = ++opening;
  stopLive();
  main.setAttribute("aria-busy", "true");
  try {
    const answer = await ask(`pages/${place.path}${place.search}`);
    const html = await answer.text();
    if (number !== opening) return;
    byId("login").hidden = true;
    main.hidden = byId("pages").hidden = byId("logout").hidden = false;
    byId("problem").textContent = "";
    const link = linkOf(place.path);
    const title = link?.textContent ?? "Barnacle";
    const heading = document.createElement("h1");
    heading.textContent = title;
    heading.tabIndex = -1; // the focus goes there: a screen reader says the name of the new page
    main.replaceChildren(heading, elementsOf(html));
    document.title = `${title} · Barnacle`;
    for (const other of document.querySelectorAll("#pages a")) {
      other.removeAttribute("aria-current");
    }
    link?.setAttribute("aria-current", "page");
    showTimes(main);
    if (isNew) scrollTo(0, 0);
    if (isNew) heading.focus({ preventScroll: true });
    void follow(place, answer.headers.get("ETag"));
  } catch (error) {
    if (number === opening && byId("login").hidden) byId("problem").textContent = wordsOf(error);
  } finally {
    if (number === opening) main.removeAttribute("aria-busy");
  }
}

function linkOf(path) {
  return [...document.querySelectorAll("#pages a")].find((one) => placeOf(one.href).path === path);
}

function go(address) {
  history.pushState(null, "", address);
  return open(address, { isNew: true });
}

// A pasted login link, and the link to the content, change the part after `#` only.
addEventListener("popstate", () => location.hash === "" && void open(location.href));
addEventListener("hashchange", () => linkToken() !== "" && start());
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  if (link.hasAttribute("data-page")) {
    event.preventDefault();
    void go(link.href);
  }
});

/** Times in the reader's time zone. */
function showTimes(within) {
  const today = new Date().toDateString();
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    time.textContent = at.toDateString() === today
      ? at.toLocaleTimeString([], clock)
      : at.toLocaleString([], { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
    time.title = at.toString();
  }
}

/* Live updates */

let live = new AbortController();
/** The newest HTML of the open page: a part that was in use gets it later. */
let newest;

function stopLive() {
  live.abort();
  live = new AbortController();
  newest = undefined;
  byId("live").textContent = "";
}

/** Follows a page, while it is to be seen, until another one is open. */
async function follow({ path, search }, known) {
  const { signal } = live;
  byId("live").textContent = "Live";
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (signal.aborted) return;
    if (document.hidden) continue;
    try {
      const answer = await ask(`pages/${path}${search}`, { signal, known });
      const html = answer.status === 304 ? undefined : await answer.text();
      if (signal.aborted) return;
      byId("live").textContent = "Live";
      if (html === undefined) continue;
      known = answer.headers.get("ETag");
      newest = html;
      update(elementsOf(html));
    } catch (error) {
      if (signal.aborted || error instanceof Refused && !isAway(error)) return;
      byId("live").textContent = "The bot does not answer";
    }
  }
}

/** Replaces the parts that have changed, but no part in which a person is at work. */
function update(next) {
  showTimes(next);
  for (const part of next.querySelectorAll("[data-live]")) {
    const shown = byId(part.id);
    if (!shown || isInUse(shown)) continue;
    for (const one of shown.querySelectorAll("details[open][id]")) {
      part.querySelector(`#${CSS.escape(one.id)}`)?.setAttribute("open", "");
    }
    if (shown.outerHTML === part.outerHTML) continue;
    const focus = shown.contains(document.activeElement) ? placeWithin(shown) : undefined;
    markNew(shown, part);
    announce(shown, part);
    shown.replaceWith(part);
    if (focus) part.querySelectorAll("a, button, [tabindex]")[focus.index]?.focus();
  }
}

/** Tells a screen reader the sentences that have changed: the state, and waiting questions. */
function announce(shown, part) {
  const [before, after] = [shown, part].map((one) => one.querySelector("[data-announce]"));
  if (!after || after.textContent === before?.textContent) return;
  const mark = after.querySelector("[aria-hidden]")?.textContent ?? "";
  byId("news").textContent = after.textContent.replace(mark, "").trim();
}

function catchUp() {
  if (newest !== undefined) update(elementsOf(newest));
}
addEventListener("focusout", () => setTimeout(catchUp));

/** Rows that were not there get a short mark. */
function markNew(shown, part) {
  const known = new Set(
    Array.from(shown.querySelectorAll("[data-row]"), ({ dataset }) => dataset.row),
  );
  if (known.size === 0) return;
  for (const row of part.querySelectorAll("[data-row]")) {
    if (!known.has(row.dataset.row)) row.classList.add("is-new");
  }
}

function isInUse(shown) {
  const { activeElement } = document;
  const isTyping = activeElement?.matches("input, select") &&
    shown.contains(activeElement);
  return isTyping || shown.querySelector("[data-busy], .result:not(:empty)") !== null;
}

function placeWithin(shown) {
  const all = [...shown.querySelectorAll("a, button, [tabindex]")];
  return { index: all.indexOf(document.activeElement) };
}

/* Changes */

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.hasAttribute("data-query")) {
    event.preventDefault();
    const fields = [...new FormData(form)].filter(([, value]) => value !== "");
    void go(`${new URL(form.action).pathname}?${new URLSearchParams(fields)}`);
  } else if (form.hasAttribute("data-change")) {
    event.preventDefault();
    void change(form);
  }
});

/** A result keeps a live part of the page from changing, so it goes after a while. Others stay. */
const SHOWN_MS = { done: 4_000, refused: 15_000 };
const clearing = new WeakMap();

function clearLater(result, ms) {
  clearTimeout(clearing.get(result)); // of an earlier result, which may have the same words
  if (!result.closest("[data-live]")) return;
  const text = result.textContent;
  clearing.set(
    result,
    setTimeout(() => {
      if (result.textContent === text) result.replaceChildren();
      catchUp();
    }, ms),
  );
}

async function change(form) {
  const result = form.querySelector(".result");
  const button = form.querySelector("button[type=submit]");
  button.disabled = true;
  form.setAttribute("data-busy", "");
  result.classList.remove("is-bad");
  try {
    const body = Object.fromEntries(new FormData(form));
    const answer = await ask(`changes/${form.dataset.change}`, { method: "POST", body });
    result.textContent = (await answer.json()).text;
    clearLater(result, SHOWN_MS.done);
  } catch (error) {
    result.classList.add("is-bad");
    result.textContent = error instanceof Refused
      ? error.message
      : "The bot did not answer; look at the list before you try again";
    clearLater(result, SHOWN_MS.refused);
  } finally {
    button.disabled = false;
    form.removeAttribute("data-busy");
  }
}

function start() {
  if (session() && linkToken() === "") return void open(location.href);
  showLogin();
}

start();
