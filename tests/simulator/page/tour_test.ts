import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { viewWorld } from "../../../simulator/page/view.ts";
import { openState, takeNews } from "../../../simulator/page/web/state.js";
import { noteBot, stepOf } from "../../../simulator/page/web/tour.js";

function open() {
  const { world, barnacle, people, channels, malloryDm } = demoWorld();
  const seen = { ...viewWorld(world, barnacle.userId), messages: [] };
  const bot = { state: "online", headline: "", figures: [], controls: [] };
  const state = openState({ world: seen, prompts: [], bot, judged: [], notices: [] });
  let last = 0;
  /** A message of a person with the bot's decision. */
  const judge = (author: string, channelId: string, verdict: string, why: string) => {
    const id = String(++last);
    const message = { id, channelId, author: { id: author, name: "", isBot: false } };
    takeNews(state, { kind: "message", message }, 0);
    const outcome = verdict === "accept" ? { kind: "answered", replies: [] } : undefined;
    takeNews(state, { kind: "judged", judged: { messageId: id, verdict, why, outcome } }, 0);
  };
  const bots = (next: string) => {
    takeNews(state, { kind: "bot", bot: { ...bot, state: next } }, 0);
    noteBot(state);
  };
  return { state, people, channels, malloryDm, judge, bots };
}

describe("[O5] stepOf()", () => {
  it("ends each step once it has happened", () => {
    const { state, people, channels, malloryDm, judge, bots } = open();
    const step = () => stepOf(state)?.id;
    assert.equal(step(), "mention");
    judge(people.ada.id, malloryDm.id, "accept", "dm-allowed");
    judge(people.grace.id, channels.general.id, "ignore", "no-mention");
    assert.equal(step(), "mention", "only an answered mention in a server counts");
    judge(people.grace.id, channels.general.id, "accept", "mentioned");
    assert.equal(step(), "unknown");
    judge(people.mallory.id, malloryDm.id, "challenge", "pairing");
    judge(people.mallory.id, malloryDm.id, "ignore", "pairing-pending");
    assert.equal(step(), "unknown", "until the owner has approved");
    judge(people.mallory.id, malloryDm.id, "accept", "dm-paired");
    assert.equal(step(), "kill");
    bots("offline");
    bots("online");
    assert.equal(step(), "kill", "until the bot has answered again");
    judge(people.grace.id, channels.general.id, "accept", "mentioned");
    assert.equal(step(), undefined);
  });

  it("ends the second step under a config that denies without pairing", () => {
    const { state, people, malloryDm, judge } = open();
    state.tour.done.add("mention");
    judge(people.mallory.id, malloryDm.id, "ignore", "dm-not-allowed");
    assert.equal(stepOf(state)?.id, "kill");
  });
});
