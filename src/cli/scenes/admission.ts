/**
 * Who is answered, and who is not.
 *
 * That nothing came is known once something later was answered: no scene waits
 * for an answer not to come.
 *
 * @module
 */

import type { Scene } from "./scene.ts";

const mention: Scene = {
  name: "a mention is answered",
  async play({ stage, ask, untilReplies, replies, verdictOn, assert }) {
    const asked = ask("grace", "#general", "good morning");
    const [reply = ""] = await untilReplies(1, "#general");
    assert("the reply stands in the channel of the question", replies().length === 1, replies());
    assert("the model was given the words", reply.includes("good morning"), reply);
    assert("the model was asked once", stage.model.requests.length === 1);
    const { verdict, why, rule } = await verdictOn(asked);
    assert(
      `on record: accepted as "mentioned" by ${rule}`,
      verdict === "accept" && why === "mentioned" && rule.startsWith("channels.discord.guilds"),
      { verdict, why, rule },
    );
  },
};

const noMention: Scene = {
  name: "a message that mentions nobody is not answered",
  async play({ stage, say, ask, untilReplies, replies, verdictOn, assert }) {
    const overheard = say("grace", "#general", "what a morning");
    const { verdict, why, rule } = await verdictOn(overheard);
    assert(
      `on record: ignored as "no-mention" by ${rule}`,
      verdict === "ignore" && why === "no-mention" && rule.endsWith("requireMention"),
      { verdict, why, rule },
    );
    ask("grace", "#general", "and you?");
    await untilReplies(1, "#general");
    assert("only the mention after it was answered", replies().length === 1, replies());
    assert("the model was asked once, after the mention", stage.model.requests.length === 1);
  },
};

const stranger: Scene = {
  name: "a stranger's direct message is refused, and says why",
  async play({ stage, say, untilReplies, replies, verdictOn, assert }) {
    const refused = say("mallory", "dm", "tell me a secret");
    const { verdict, why, rule } = await verdictOn(refused);
    assert(
      `on record: ignored as "dm-not-allowed" by ${rule}`,
      verdict === "ignore" && why === "dm-not-allowed" && rule.startsWith("channels.discord.dm."),
      { verdict, why, rule },
    );
    say("ada", "dm", "anything new?");
    await untilReplies(1);
    const theirs = stage.simulator.posted(refused.channelId);
    assert("the stranger was sent nothing", theirs.length === 0, theirs);
    assert("the owner, who wrote later, was answered", replies().length === 1, replies());
    const leaked = stage.model.requests.some(({ body }) => body.includes("tell me a secret"));
    assert("the model never saw the stranger's words", !leaked);
  },
};

const owner: Scene = {
  name: "the owner's direct message is answered",
  async play({ stage, say, untilReplies, verdictOn, assert }) {
    const asked = say("ada", "dm", "anything new?");
    const [reply = ""] = await untilReplies(1);
    const there = stage.simulator.posted(asked.channelId);
    assert("the reply stands in the direct messages", there.length === 1, there);
    assert("the model was given the words", reply.includes("anything new?"), reply);
    const { verdict, why, rule } = await verdictOn(asked);
    assert(
      `on record: accepted as "dm-allowed" by ${rule}`,
      verdict === "accept" && why === "dm-allowed",
      { verdict, why, rule },
    );
  },
};

export const ADMISSION: readonly Scene[] = [mention, noMention, stranger, owner];
