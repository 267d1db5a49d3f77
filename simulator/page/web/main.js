/** Runs the page: gets events, draws changes, sends acts of people. */

import { drawComposer, showProblem, startComposer } from "./composer.js";
import { byId, redrawTimes } from "./dom.js";
import { drawMessages, redraw, startMessages } from "./messages.js";
import { drawSidebar, drawTop } from "./sidebar.js";
import { becomePerson, openState, showChannel, takeNews, typistsOf } from "./state.js";
import { drawTour, noteBot } from "./tour.js";

let state;

const acts = {
  withState: (use) => state && use(state),
  show(channelId) {
    showChannel(state, channelId);
    closeDrawer();
    drawPlace();
  },
  become(personId) {
    becomePerson(state, personId);
    drawPlace();
  },
  click(channel, message, button) {
    return post("/click", { as: state.personId, channel, message, button });
  },
  choose(channel, message, menu, labels) {
    return post("/choose", { as: state.personId, channel, message, menu, labels });
  },
  async say(text) {
    const { personId: as, channelId: channel, replyTo } = state;
    const isSaid = await post("/say", { as, channel, text, ...(replyTo && { replyTo }) });
    if (isSaid && replyTo) acts.replyTo(undefined);
    return isSaid;
  },
  replyTo(id) {
    state.replyTo = id;
    drawComposer(state, acts);
    byId("words").focus();
  },
  call: () => post("/call", { as: state.personId, channel: state.channelId }),
  speak: (text) => post("/speak", { as: state.personId, channel: state.channelId, text }),
  hangUp: () => post("/hang-up", { as: state.personId, channel: state.channelId }),
  kill: () => post("/kill", {}),
};

/** @returns Whether Discord took it; otherwise the page shows the reason. */
async function post(path, body) {
  showProblem(""); // before the request: news about it may come before the answer
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) showProblem(await response.text());
    return response.ok;
  } catch {
    showProblem("The demo does not answer: has it ended?");
    return false;
  }
}

function drawPlace() {
  drawSidebar(state, acts);
  drawTop(state);
  drawMessages(state, acts);
  drawComposer(state, acts);
  drawTyping();
  drawTour(state, acts);
}

function drawTyping() {
  if (!state) return;
  const names = typistsOf(state, Date.now());
  byId("typing").textContent = names.length === 0
    ? ""
    : `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} typing…`;
}

function listen() {
  const source = new EventSource("/events");
  source.addEventListener("opening", ({ data }) => {
    state = openState(JSON.parse(data), state);
    drawPlace();
    drawBot();
    byId("app").dataset.ready = "true";
  });
  source.addEventListener("news", ({ data }) => {
    const news = JSON.parse(data);
    const changed = takeNews(state, news, Date.now());
    if (news.kind === "bot") {
      noteBot(state);
      drawTour(state, acts);
      return drawBot();
    }
    if (news.kind === "typing") return drawTyping();
    if (news.kind === "world") return drawPlace();
    const replies = news.judged?.outcome?.replies ?? [];
    redraw(state, [...changed, ...replies], acts);
    drawTour(state, acts);
    drawTyping();
    if (news.kind === "message") drawSidebar(state, acts);
  });
  source.addEventListener("error", drawGone);
}

/** Draws the bot's state. */
function drawBot() {
  byId("bot-dot").className = `dot is-${state.bot}`;
  byId("bot-state").textContent = state.bot;
}

/** Shows that the page itself has lost its server. */
function drawGone() {
  byId("bot-dot").className = "dot is-offline";
  byId("app").dataset.ready = "true";
  byId("bot-state").textContent = "The demo has ended; this page connects again by itself";
}

/** On narrow screens, places and people slide over the messages. */
function startDrawer() {
  const button = byId("open-sidebar");
  button.addEventListener("click", () => {
    const isOpen = byId("app").dataset.open !== undefined;
    closeDrawer();
    if (isOpen) return;
    byId("app").dataset.open = "sidebar";
    button.setAttribute("aria-expanded", "true");
    byId("sidebar").focus(); // the next Tab is in it
  });
  byId("veil").addEventListener("click", closeDrawer);
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || byId("app").dataset.open === undefined) return;
    closeDrawer();
    button.focus();
  });
}

function closeDrawer() {
  delete byId("app").dataset.open;
  byId("open-sidebar").setAttribute("aria-expanded", "false");
}

startComposer(acts);
startMessages();
byId("kill").addEventListener("click", acts.kill);
startDrawer();
listen();
setInterval(drawTyping, 1_000);
setInterval(redrawTimes, 10_000);
