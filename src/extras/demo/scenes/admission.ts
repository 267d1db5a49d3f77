/**
 * Scenes about access: which messages the bot answers.
 *
 * A scene proves a missing answer by a later message that the bot does answer. No scene waits for
 * nothing to happen.
 */

import { buttonsIn } from "../../../../simulator/world/components.ts";
import type { Scene } from "./scene.ts";

const mention: Scene = {
  name: "the bot answers a mention",
  async play({ simulation, ask, untilReplies, replies, verdictOn, assert }) {
    const asked = ask("grace", "#general", "good morning");
    const [reply = ""] = await untilReplies(1, "#general");
    assert("the reply is in the channel of the question", replies().length === 1, replies());
    assert("the model got the text", reply.includes("good morning"), reply);
    assert("the model got one request", simulation.model.requests.length === 1);
    const { verdict, why, rule } = await verdictOn(asked);
    assert(
      `recorded: accepted as "mentioned" by ${rule}`,
      verdict === "accept" && why === "mentioned" && rule.startsWith("channels.discord.guilds"),
      { verdict, why, rule },
    );
  },
};

const noMention: Scene = {
  name: "the bot does not answer a message without a mention",
  async play({ simulation, say, ask, untilReplies, replies, verdictOn, assert }) {
    const overheard = say("grace", "#general", "what a morning");
    const { verdict, why, rule } = await verdictOn(overheard);
    assert(
      `recorded: ignored as "no-mention" by ${rule}`,
      verdict === "ignore" && why === "no-mention" && rule.endsWith("requireMention"),
      { verdict, why, rule },
    );
    ask("grace", "#general", "and you?");
    await untilReplies(1, "#general");
    assert("the bot answered only the mention after it", replies().length === 1, replies());
    assert("the model got one request, for the mention", simulation.model.requests.length === 1);
  },
};

const unknownSender: Scene = {
  name: "the bot ignores an unknown sender's direct message, and records why",
  config: {
    channels: { discord: { dm: { policy: "allowlist", allowFrom: ["ada"] } } },
    http: { port: 0 },
  },
  async play({ simulation, say, untilReplies, replies, verdictOn, assert }) {
    const refused = say("mallory", "dm", "tell me a secret");
    const { verdict, why, rule } = await verdictOn(refused);
    assert(
      `recorded: ignored as "dm-not-allowed" by ${rule}`,
      verdict === "ignore" && why === "dm-not-allowed" && rule.startsWith("channels.discord.dm."),
      { verdict, why, rule },
    );
    say("ada", "dm", "anything new?");
    await untilReplies(1);
    const theirs = simulation.simulator.posted(refused.channelId);
    assert("the unknown sender got no message", theirs.length === 0, theirs);
    assert("the owner, who wrote later, got an answer", replies().length === 1, replies());
    const leaked = simulation.model.requests.some(({ body }) => body.includes("tell me a secret"));
    assert("the model never saw the unknown sender's text", !leaked);
  },
};

const owner: Scene = {
  name: "the bot answers the owner's direct message",
  async play({ simulation, say, untilReplies, verdictOn, assert }) {
    const asked = say("ada", "dm", "anything new?");
    const [reply = ""] = await untilReplies(1);
    const there = simulation.simulator.posted(asked.channelId);
    assert("the reply is in the direct messages", there.length === 1, there);
    assert("the model got the text", reply.includes("anything new?"), reply);
    const { verdict, why, rule } = await verdictOn(asked);
    assert(
      `recorded: accepted as "dm-allowed" by ${rule}`,
      verdict === "accept" && why === "dm-allowed",
      { verdict, why, rule },
    );
  },
};

/** Style of the approval button, which Discord shows in green. */
const SUCCESS = 3;

const pairing: Scene = {
  name: "the owner approves an unknown sender with a button in direct messages",
  config: { channels: { discord: { dm: { policy: "pairing" } } }, http: { port: 0 } },
  async play({ simulation, say, until, untilReplies, verdictOn, assert }) {
    const { simulator, model } = simulation;
    const refused = say("mallory", "dm", "tell me a secret");
    const { verdict, why } = await verdictOn(refused);
    assert(
      'recorded: challenged as "pairing"',
      verdict === "challenge" && why === "pairing",
      { verdict, why },
    );
    const [challenge = ""] = await untilReplies(1, refused.channelId);
    const code = /\b[A-HJ-NP-Z2-9]{8}\b/.exec(challenge)?.[0];
    assert("the unknown sender got a code", code !== undefined, challenge);

    const ownersDm = simulator.channel("dm", "ada").id;
    const question = await until("a question to the owner", () => simulator.posted(ownersDm)[0]);
    const button = buttonsIn(question.components)
      .find(({ style }) => style === SUCCESS);
    assert("the owner got a question with a button", button !== undefined, question.components);
    const customId = button?.custom_id ?? "";
    simulator.press({ as: "ada", in: ownersDm, message: question.id, customId });
    await untilReplies(2, refused.channelId);
    const [after] = simulator.posted(ownersDm);
    assert("the button works once", after?.components.length === 0, after?.components);

    say("mallory", "dm", "and now?");
    const answer = (await untilReplies(3, refused.channelId))[2] ?? "";
    assert("the bot answered their next message", answer.includes("and now?"), answer);
    const leaked = model.requests.some(({ body }) => body.includes("tell me a secret"));
    assert("the model never saw their earlier message", !leaked);
  },
};

export const ADMISSION: readonly Scene[] = [mention, noMention, unknownSender, owner, pairing];
