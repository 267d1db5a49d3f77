import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { openDirectChannel } from "../../../simulator/world/create_world.ts";
import { viewWorld } from "../../../simulator/page/view.ts";
import {
  becomePerson,
  openQuestion,
  openState,
  showChannel,
  takeNews,
} from "../../../simulator/page/web/state.js";
import { noteBot, stepOf } from "../../../simulator/page/web/tour.js";

function open() {
  const { world, barnacle, people, channels, malloryDm } = demoWorld();
  const adaDm = openDirectChannel(world, people.ada.id, barnacle.userId, 0);
  const seen = { ...viewWorld(world, barnacle.userId), messages: [] };
  const bot = { state: "online", headline: "", figures: [], controls: [] };
  const state = openState({ world: seen, prompts: [], bot, judged: [], notices: [] });
  let last = 0;
  /** A message of a person with the bot's decision. */
  const judge = (author: string, channelId: string, verdict: string, why: string) => {
    const id = String(++last);
    const message = { id, channelId, author: { id: author }, text: "", buttons: [] };
    takeNews(state, { kind: "message", message }, 0);
    const outcome = verdict === "accept" ? { kind: "answered", replies: [] } : undefined;
    takeNews(state, { kind: "judged", judged: { messageId: id, verdict, why, outcome } }, 0);
  };
  const bots = (next: string) => {
    takeNews(state, { kind: "bot", bot: { ...bot, state: next } }, 0);
    noteBot(state);
  };
  /** A question of the bot to Ada, or its end. */
  const ask = (text: string, labels: readonly string[]) => {
    const buttons = labels.map((label) => ({ label, customId: label, style: "success" }));
    const message = { id: "card", channelId: adaDm.id, author: { id: "bot" }, text, buttons };
    takeNews(state, { kind: "message", message }, 0);
  };
  return { state, people, channels, malloryDm, adaDm, judge, bots, ask };
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

  it("has a button that acts on each press", () => {
    const { state, people: { ada, grace, mallory }, channels, malloryDm, ...rest } = open();
    const { adaDm, judge, bots, ask } = rest;
    const done: string[] = [];
    const acts = {
      become: (id: string) => becomePerson(state, id),
      show: (id: string) => showChannel(state, id),
      say: () => done.push(`${state.personId} in ${state.channelId}`),
      click: (channel: string, message: string, button: string) =>
        done.push(`${channel} ${message} ${button}`),
      press: (control: string) => done.push(control),
    };
    const press = (wanted: string, act: string | undefined) => {
      const [label, run] = (stepOf(state) as unknown as {
        action(...args: unknown[]): [string, () => void];
      }).action(state, acts);
      assert.equal(label, wanted);
      run();
      assert.equal(done.shift(), act);
    };
    press("Ask a question as Grace", `${grace.id} in ${channels.general.id}`);
    judge(grace.id, channels.general.id, "accept", "mentioned");
    press("Write as mallory", `${mallory.id} in ${malloryDm.id}`);
    press("Write as mallory", `${mallory.id} in ${malloryDm.id}`);
    judge(mallory.id, malloryDm.id, "challenge", "pairing");
    ask(`mallory (${mallory.id}) wants to write to me`, ["Approve", "Deny"]);
    press("Become Ada", undefined);
    assert.deepEqual([state.personId, state.channelId], [ada.id, adaDm.id]);
    press("Press Approve", `${adaDm.id} card Approve`);
    ask("", []);
    press("Write as mallory", `${mallory.id} in ${malloryDm.id}`);
    judge(mallory.id, malloryDm.id, "accept", "dm-paired");
    press("Kill it now", "kill");
    bots("offline");
    press("Ask again as Grace", `${grace.id} in ${channels.general.id}`);
  });

  it("does not count the scene with which the page opens", () => {
    const { state, people, channels, judge } = open();
    state.tour.seen.add("1");
    judge(people.grace.id, channels.general.id, "accept", "mentioned");
    assert.equal(stepOf(state)?.id, "mention");
  });

  it("finds the question that is about a message, while it is open", () => {
    const { state, people, adaDm, ask } = open();
    ask("I want to run a command. Where: …/77", ["Allow once"]);
    const { personId, channelId } = openQuestion(state, "77")!;
    assert.deepEqual([personId, channelId], [people.ada.id, adaDm.id]);
    assert.equal(openQuestion(state, "78"), undefined);
    ask("I want to run a command. Where: …/77", []);
    assert.equal(openQuestion(state, "77"), undefined);
  });

  it("ends the second step under a config that denies without pairing", () => {
    const { state, people, malloryDm, judge } = open();
    state.tour.done.add("mention");
    judge(people.mallory.id, malloryDm.id, "ignore", "dm-not-allowed");
    assert.equal(stepOf(state)?.id, "kill");
  });
});
