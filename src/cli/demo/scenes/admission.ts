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

/** Of the button that lets somebody in, which Discord shows in green. */
const SUCCESS = 3;

const pairing: Scene = {
  name: "a stranger is let in by a button in the owner's direct messages",
  config: { channels: { discord: { dm: { policy: "pairing" } } }, http: { port: 0 } },
  async play({ stage, say, until, untilReplies, verdictOn, assert }) {
    const { simulator, model } = stage;
    const refused = say("mallory", "dm", "tell me a secret");
    const { verdict, why } = await verdictOn(refused);
    assert(
      'on record: challenged as "pairing"',
      verdict === "challenge" && why === "pairing",
      { verdict, why },
    );
    const [challenge = ""] = await untilReplies(1, refused.channelId);
    const code = /\b[A-HJ-NP-Z2-9]{8}\b/.exec(challenge)?.[0];
    assert("the stranger was given a code", code !== undefined, challenge);

    const ownersDm = simulator.channel("dm", "ada").id;
    const question = await until("the owner to be asked", () => simulator.posted(ownersDm)[0]);
    const button = question.components.flatMap(({ components }) => components)
      .find(({ style }) => style === SUCCESS);
    assert("the owner was asked, with a button", button !== undefined, question.components);
    const customId = button?.custom_id ?? "";
    simulator.press({ as: "ada", in: ownersDm, message: question.id, customId });
    await untilReplies(2, refused.channelId);
    const [after] = simulator.posted(ownersDm);
    assert("the button can be pressed once", after?.components.length === 0, after?.components);

    say("mallory", "dm", "and now?");
    const answer = (await untilReplies(3, refused.channelId))[2] ?? "";
    assert("their next message was answered", answer.includes("and now?"), answer);
    const leaked = model.requests.some(({ body }) => body.includes("tell me a secret"));
    assert("the model never saw what they wrote before", !leaked);
  },
};

export const ADMISSION: readonly Scene[] = [mention, noMention, stranger, owner, pairing];
