import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { createPeople } from "../../../simulator/actions/people.ts";
import type { WorldEvent } from "../../../simulator/world/world.ts";

const setUp = () => {
  const demo = demoWorld();
  const events: WorldEvent[] = [];
  const people = createPeople({
    world: demo.world,
    botId: demo.barnacle.userId,
    now: () => Date.UTC(2026, 0, 2),
    publish: (more) => events.push(...more),
  });
  return { ...demo, events, act: people };
};

describe("[O5] createPeople()", () => {
  const places: readonly [string, (demo: ReturnType<typeof setUp>) => string][] = [
    ["#general", ({ channels }) => channels.general.id],
    ["help", ({ channels }) => channels.help.id],
    ["Krill & Co/#off-topic", ({ channels }) => channels.offTopic.id],
    ["How do I feed krill?", ({ channels }) => channels.thread.id],
    ["Elsewhere/#lounge", ({ elsewhereGeneral }) => elsewhereGeneral.id],
  ];
  for (const [name, idOf] of places) {
    it(`finds ${name}`, () => {
      const demo = setUp();
      assert.equal(demo.act.channel(name).id, idOf(demo));
    });
  }

  it("finds a person's direct messages, or makes them", () => {
    const { act, malloryDm } = setUp();
    assert.equal(act.say({ as: "mallory", in: "dm", text: "psst" }).channelId, malloryDm.id);
    const first = act.say({ as: "grace", in: "dm", text: "hello" });
    assert.equal(act.say({ as: "grace", in: "dm", text: "again" }).channelId, first.channelId);
  });

  it("posts as a webhook", () => {
    const { act, webhook } = setUp();
    const { author } = act.say({ as: "deploys", in: "#general", text: "done" });
    assert.deepEqual(author, { kind: "webhook", webhook });
  });

  it("replies with a ping, and without one", () => {
    const { act, people } = setUp();
    const { id } = act.say({ as: "ada", in: "#general", text: "?" });
    const reply = { as: "grace", in: "#general", text: "!", replyTo: id };
    assert.deepEqual(act.say(reply).pings.users, [people.ada.id]);
    assert.deepEqual(act.say({ ...reply, pingsAuthor: false }).pings.users, []);
  });

  it("does each act once, and sends its event", () => {
    const { act, events } = setUp();
    const { id } = act.say({ as: "ada", in: "#general", text: "look" });
    const on = { as: "ada", in: "#general", message: id };
    act.type({ as: "ada", in: "#general" });
    act.edit({ ...on, text: "see" });
    act.react({ ...on, emoji: "🦐" });
    act.react({ ...on, emoji: "🦐" });
    act.unreact({ ...on, emoji: "🦐" });
    act.unreact({ ...on, emoji: "🦐" });
    act.delete(on);
    assert.deepEqual(events.map(({ kind }) => kind), [
      "message_created",
      "typing_started",
      "message_updated",
      "reaction_added",
      "reaction_removed",
      "message_deleted",
    ]);
  });

  it("renames a person, frees the old name, and sends it to the guilds", () => {
    const { act, events, people } = setUp();
    act.rename("grace", "hopper");
    assert.equal(act.user("hopper"), people.grace.id);
    act.rename("mallory", "grace");
    assert.equal(act.user("grace"), people.mallory.id);
    assert.deepEqual(events.map(({ kind }) => kind), ["member_updated"]); // Mallory is in no guild
  });

  it("finds direct messages with another bot", () => {
    const { act, otherBot, people } = setUp();
    const { channelId } = act.say({ as: "ada", in: "dm:Limpet", text: "psst" });
    const channel = act.channel(channelId);
    assert.ok(channel.kind === "dm");
    assert.deepEqual(channel.recipients, [people.ada.id, otherBot.userId]);
  });

  it("throws for a forbidden act, with the reason", () => {
    const { act } = setUp();
    assert.throws(() => act.say({ as: "mallory", in: "#general", text: "hi" }), /50001/);
    assert.throws(() => act.say({ as: "nobody", in: "#general", text: "hi" }), /nobody/);
    assert.throws(() => act.say({ as: "ada", in: "#nowhere", text: "hi" }), /#nowhere/);
  });
});
