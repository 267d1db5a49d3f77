import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { changeThread } from "../../../simulator/actions/changes.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { EMPTY_DRAFT } from "../../../simulator/actions/draft.ts";
import { postMessage } from "../../../simulator/actions/messages.ts";
import { addReaction, removeReaction } from "../../../simulator/actions/reactions.ts";
import { toSnowflake } from "../../../simulator/world/snowflake.ts";

const CUSTOM = "krill:77";

const setUp = () => {
  const demo = demoWorld();
  const { world, people, channels } = demo;
  const author = { kind: "user", userId: people.ada.id } as const;
  const draft = { ...EMPTY_DRAFT, content: "look" };
  const posted = postMessage(world, channels.general.id, author, draft, Date.UTC(2026, 0, 2));
  assert.ok(posted.kind === "done");
  const { message } = posted.value;
  const react = (emoji: string, act = addReaction) =>
    act(world, channels.general.id, message.id, people.grace.id, emoji);
  return { ...demo, message, react };
};

describe("[R7] addReaction()", () => {
  for (const emoji of ["👀", "👍🏽", "🇫🇷", "1️⃣", "❤️"]) {
    it(`accepts ${emoji}`, () => assert.equal(setUp().react(emoji).kind, "done"));
  }

  for (const emoji of ["x", "", ":eyes:", "a 👀", "👀".repeat(20)]) {
    it(`refuses ${JSON.stringify(emoji)}`, () => {
      const outcome = setUp().react(emoji);
      assert.equal(outcome.kind === "refused" && outcome.refused.code, 10014);
    });
  }

  it("accepts a custom emoji of a server of the account only", () => {
    const { react, krill } = setUp();
    const codeOf = (outcome: ReturnType<typeof react>) =>
      outcome.kind === "refused" ? outcome.refused.code : outcome.kind;
    for (const act of [addReaction, removeReaction]) {
      assert.equal(codeOf(react(CUSTOM, act)), 10014);
    }
    krill.things.emojis.set("77", { id: toSnowflake("77"), name: "krill", bytes: 1 });
    assert.equal(codeOf(react(CUSTOM)), "done");
    assert.equal(codeOf(react(CUSTOM, removeReaction)), "done");
    krill.things.emojis.delete("77");
    assert.equal(codeOf(react(CUSTOM)), 10014);
  });

  it("accepts a custom emoji of another server if the message has that reaction already", () => {
    const { react, message, people } = setUp();
    message.reactions.set(CUSTOM, new Set([people.ada.id]));
    assert.equal(react(CUSTOM).kind, "done");
    assert.equal(react(CUSTOM, removeReaction).kind, "done");
    assert.deepEqual([...message.reactions.get(CUSTOM) ?? []], [people.ada.id]);
  });

  it("accepts 20 different emoji at most, and more reactions with these", () => {
    const { react, message, people } = setUp();
    for (let n = 0; n < 20; n += 1) {
      assert.equal(react(String.fromCodePoint(0x1f400 + n)).kind, "done");
    }
    const outcome = react("🦐");
    assert.equal(outcome.kind === "refused" && outcome.refused.code, 30010);
    assert.equal(react(String.fromCodePoint(0x1f400)).kind, "done");
    assert.ok(message.reactions.get(String.fromCodePoint(0x1f400))?.has(people.grace.id));
  });

  it("refuses reactions in an archived thread", () => {
    const { world, people, channels } = setUp();
    const author = { kind: "user", userId: people.ada.id } as const;
    const { thread } = channels;
    const draft = { ...EMPTY_DRAFT, content: "look" };
    const posted = postMessage(world, thread.id, author, draft, Date.UTC(2026, 0, 2));
    assert.ok(posted.kind === "done");
    changeThread(world, thread, { isArchived: true });
    const outcome = addReaction(world, thread.id, posted.value.message.id, people.ada.id, "🦐");
    assert.equal(outcome.kind === "refused" && outcome.refused.code, 50083);
  });

  it("can be undone completely, once", () => {
    const { react, message, world, channels, people } = setUp();
    react("🦐");
    const undone = react("🦐", removeReaction);
    assert.equal(undone.kind === "done" && undone.events.length, 1);
    assert.equal(message.reactions.size, 0);
    const again = react("🦐", removeReaction);
    assert.equal(again.kind === "done" && again.events.length, 0);
    addReaction(world, channels.general.id, message.id, people.ada.id, "🦐");
    const others = react("🦐", removeReaction);
    assert.equal(others.kind === "done" && others.events.length, 0);
    assert.deepEqual([...message.reactions.get("🦐") ?? []], [people.ada.id]);
  });
});
