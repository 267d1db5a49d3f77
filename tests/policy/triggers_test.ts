import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { prepareTriggers } from "../../src/policy/router.ts";
import type { PassiveAgent } from "../../src/policy/rules.ts";
import { channelId, directMessage, guildMessage, guildPlace } from "../support/discord/builders.ts";

const PLACE = guildPlace();
const THREAD = guildPlace({ thread: { id: channelId("1400000000000000012"), name: "other" } });

/** An agent by `"watcher: help | pattern spam | command standup"`; a pattern is a plain word. */
function agent(text: string): PassiveAgent {
  const [head = "", ...triggers] = text.split(" | ");
  const [agentId = "", channels = ""] = head.split(": ");
  return {
    agentId,
    channels: channels.split(", ").map((channel) => ({ agentId, channel, rule: "" })),
    triggers: triggers.map((trigger, index) => {
      const [kind, word = ""] = trigger.split(" ");
      const rule = `${agentId}.triggers[${index}]`;
      return { kind: kind === "command" ? "command" : "pattern", word, rule };
    }),
  };
}

function found(agents: readonly string[], text: string, place = PLACE): readonly string[] {
  const passive = agents.map(agent);
  const words = passive.flatMap(({ triggers }) => triggers);
  const patternsIn = (searched: string) =>
    words.flatMap(({ kind, word, rule }) =>
      kind === "pattern" && searched.includes(word) ? rule : []
    );
  const message = { ...guildMessage({ place }), text };
  return prepareTriggers({ passive, patternsIn }).inMessage(message).map(({ event, rule }) =>
    `${event} ${rule}`
  );
}

describe("[N1] prepareTriggers()", () => {
  const here = `w: ${PLACE.channel.name}`;
  const table: readonly (readonly [
    name: string,
    agents: readonly string[],
    text: string,
    expected: readonly string[],
    place?: typeof PLACE,
  ])[] = [
    ["a pattern", [`${here} | pattern spam`], "buy spam now", ["pattern w.triggers[0]"]],
    ["no pattern", [`${here} | pattern spam`], "hello", []],
    ["the first trigger only", [`${here} | pattern no | pattern a | pattern b`], "a b", [
      "pattern w.triggers[1]",
    ]],
    ["two agents", [`${here} | pattern a`, "v: * | pattern b"], "a b", [
      "pattern w.triggers[0]",
      "pattern v.triggers[0]",
    ]],
    ["another channel", ["w: 1400000000000000099 | pattern a"], "a", []],
    ["the channel by id", [`w: ${PLACE.channel.id} | pattern a`], "a", ["pattern w.triggers[0]"]],
    ["a thread of the channel", [`${here} | pattern a`], "a", ["pattern w.triggers[0]"], THREAD],
    ["a command", [`${here} | command standup`], "/standup", ["command w.triggers[0]"]],
    ["a command with words", [`${here} | command standup`], " /StandUp for today", [
      "command w.triggers[0]",
    ]],
    ["another command", [`${here} | command standup`], "/standups", []],
    ["a command within a text", [`${here} | command standup`], "try /standup", []],
  ];
  for (const [name, agents, text, expected, place] of table) {
    it(`finds ${name}`, () => assert.deepEqual(found(agents, text, place), expected));
  }

  it("watches no direct message", () => {
    const find = prepareTriggers({
      passive: [agent("w: * | pattern a")],
      patternsIn: () => ["w.triggers[0]"],
    });
    assert.deepEqual(find.inMessage({ ...directMessage(), text: "a" }), []);
  });

  it("compares emoji as Discord writes them", () => {
    const words = ["❤", "👍", "<a:party:1400000000000000001>"];
    const triggers = words.map((word) => ({ kind: "reaction", word, rule: word }) as const);
    const channels = [{ agentId: "w", channel: "*", rule: "" }];
    const { byReaction } = prepareTriggers({
      passive: [{ agentId: "w", channels, triggers }],
      patternsIn: () => [],
    });
    const { channelId } = guildMessage();
    const rules = ["❤️", "👍", "<:party:1400000000000000001>", "🎉"].map((emoji) =>
      byReaction({ channelId, place: PLACE, emoji }).map(({ rule }) => rule).join()
    );
    assert.deepEqual(rules, [...words, ""]);
  });
});
