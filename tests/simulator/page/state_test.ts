import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  becomePerson,
  channel,
  channelsOf,
  messagesOf,
  nameOf,
  openState,
  showChannel,
  takeNews,
  typistsOf,
} from "../../../simulator/page/web/state.js";

const PEOPLE = [
  { id: "1", name: "Ada", username: "ada", note: "owner of the bot" },
  { id: "2", name: "Grace", username: "grace", note: "member of Krill" },
  { id: "3", name: "mallory", username: "mallory", note: "a stranger" },
];

function opening() {
  const world = {
    bot: { id: "9", name: "Barnacle" },
    people: PEOPLE,
    guilds: [{ id: "5", name: "Krill" }],
    channels: [
      { id: "11", kind: "text", guildId: "5", name: "general", viewers: ["1", "2"] },
      { id: "12", kind: "text", guildId: "5", name: "help", viewers: ["1", "2"] },
      { id: "13", kind: "dm", name: "Barnacle", viewers: ["3"] },
    ],
    messages: [message("100", "11"), message("99", "11")],
    names: { "@1": "@Ada" },
  };
  return openState({ world, prompts: [], bot: {}, judged: [], notices: [] }, undefined);
}

function message(id: string, channelId: string, author = "2") {
  return { id, channelId, author: { id: author, name: "", isBot: false }, text: "" };
}

describe("[O5] the page's state", () => {
  it("begins as a member, in #general, with the messages in the order of their ids", () => {
    const state = opening();
    assert.equal(state.personId, "2");
    assert.equal(channel(state)?.name, "general");
    assert.deepEqual(messagesOf(state).map(({ id }: { id: string }) => id), ["99", "100"]);
  });

  it("shows a person only readable channels, and remembers the last one", () => {
    const state = opening();
    showChannel(state, "12");
    becomePerson(state, "3");
    assert.deepEqual(channelsOf(state).map(({ id }: { id: string }) => id), ["13"]);
    assert.equal(state.channelId, "13");
    becomePerson(state, "2");
    assert.equal(state.channelId, "12");
  });

  it("marks messages elsewhere as unread until the channel is opened", () => {
    const state = opening();
    takeNews(state, { kind: "message", message: message("101", "12") }, 0);
    takeNews(state, { kind: "message", message: message("102", "11") }, 0);
    assert.deepEqual([...state.unread], ["12"]);
    showChannel(state, "12");
    assert.equal(state.unread.size, 0);
  });

  it("shows other people's typing for ten seconds, or until they have written", () => {
    const state = opening();
    takeNews(state, { kind: "typing", channelId: "11", userId: "1" }, 0);
    takeNews(state, { kind: "typing", channelId: "11", userId: "2" }, 0);
    assert.deepEqual(typistsOf(state, 9_999), ["Ada"]);
    assert.deepEqual(typistsOf(state, 10_000), []);
    takeNews(state, { kind: "message", message: message("103", "11", "1") }, 1);
    assert.deepEqual(typistsOf(state, 2), []);
  });

  it("names known mentions, and marks the others as unknown", () => {
    const state = opening();
    assert.equal(nameOf(state, "@1"), "@Ada");
    assert.equal(nameOf(state, "@77"), "@unknown");
    assert.equal(nameOf(state, "@everyone"), "@everyone");
  });

  it("keeps person and channel over a new connection", () => {
    const state = opening();
    becomePerson(state, "1");
    showChannel(state, "12");
    const { world } = state;
    const after = openState({ world, prompts: [], bot: {}, judged: [], notices: [] }, state);
    assert.equal(after.personId, "1");
    assert.equal(after.channelId, "12");
  });
});
