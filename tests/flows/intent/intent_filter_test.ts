import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toMessage } from "../../../src/core/inbound/facts.ts";
import { factsOf } from "../../../src/core/inbound/facts.ts";
import type { ChannelId, MessageId } from "../../../src/core/discord/ids.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { TalkedMessage } from "../../../src/store/messages/messages.ts";
import type { OutboxRow } from "../../../src/core/outbound/outbound.ts";
import { createIntentFilter } from "../../../src/flows/intent/intent_filter.ts";
import { createJudge, mayRepeat } from "../../../src/flows/judging/judge.ts";
import type { CurrentPolicy } from "../../../src/flows/judging/policy_keeper.ts";
import { prepareAdmission } from "../../../src/policy/admission.ts";
import { TEXT_COMMANDS } from "../../../src/interactions/registry.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageIdAt,
  outboundMessage,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { loadTestConfig } from "../../support/config.ts";
import { recordingLog } from "../../support/recording_log.ts";

const ME = userId("777");
const PEOPLE = {
  ada: sender({ id: userId("1001"), username: "ada" }),
  grace: sender({ id: userId("1002"), username: "grace" }),
  linus: sender({ id: userId("1003"), username: "linus" }),
};
type Person = keyof typeof PEOPLE;
const START = 1_790_000_000_000;

/** A channel with the filter, and a bot that answers at once. */
async function openRoom(
  intentFilter: object = {},
  more: object = {},
  discord: object = {},
  beside: object = {},
) {
  const { discord: { access: policy } } = await loadTestConfig({
    guilds: { "*": { requireMention: false, ...more } },
    intentFilter: { enabled: true, ...intentFilter },
    ...discord,
  }, beside);
  const admit = prepareAdmission(policy, TEXT_COMMANDS);
  const current = { policy, admit, textCommands: TEXT_COMMANDS } as CurrentPolicy;
  let at = START;
  let count = 0;
  let newest: { readonly channelId: ChannelId; readonly messageId: MessageId } | undefined;
  /** The store's settings, by channel and name. */
  const kept = new Map<string, string>();
  /** What the store has of the time before a start. */
  const talked: TalkedMessage[] = [];
  const make = () =>
    createIntentFilter({
      accountId: ACCOUNT,
      policy: () => current,
      store: {
        settings: {
          known: (_, channelId, name) => kept.get(`${channelId} ${name}`),
          change: (_, channelId, name, value = "") =>
            Promise.resolve(void kept.set(`${channelId} ${name}`, value)),
        },
        messages: { recentTalk: () => Promise.resolve(talked) },
      },
      self: () => ({ userId: ME, username: "Barnacle" }) as never,
      now: () => at,
      log: recordingLog().log,
    });
  let intent = make();
  const judgeWith = () =>
    createJudge({
      policy: () => current,
      isOurs: () => false,
      isProxied: () => false,
      ownsApplication: () => false,
      ownerIn: () => undefined,
      continuesIn: () => false,
      intent,
      now: () => at,
    });
  let judge = judgeWith();

  function messageOf(person: Person, text: string, fields: Partial<InboundMessage> = {}) {
    const id = messageIdAt(at + count++);
    return guildMessage({ id, sender: PEOPLE[person], text, sentAt: at, ...fields });
  }

  function reply(to: InboundMessage, text: string): void {
    const message = outboundMessage({
      channelId: to.channelId,
      content: text,
      of: { cause: to.id, revision: 0, kind: "reply", part: 0, parts: 1 },
    });
    const row = { id: 1, message, fileCount: 0, action: { kind: "post" } } as OutboxRow;
    newest = { channelId: to.channelId, messageId: messageIdAt(at) };
    intent.delivered(row, { kind: "created", messageId: newest.messageId });
  }

  return {
    policy,
    messageOf,
    talked,
    judge: (message: InboundMessage, source?: "not_live") => judge.judge(message, {}, source),
    pass: (ms: number) => void (at += ms),
    reply,
    /** A person writes, five seconds after the last message; an accepted message gets an answer. */
    say(person: Person, text: string, fields: Partial<InboundMessage> = {}, answer = "Sure.") {
      at += 5_000;
      const message = messageOf(person, text, fields);
      const { verdict, knownFacts } = judge.judge(message);
      const until = verdict.kind === "accept" ? intent.quietUntil(message) : undefined;
      if (until !== undefined) kept.set(`${message.channelId} quiet`, String(until));
      if (verdict.kind === "accept") {
        at += 2_000;
        reply(message, until === undefined ? answer : "OK");
      }
      const emoji = intent.reactionTo({ message, verdict });
      return { message, verdict, facts: knownFacts?.intent, why: verdict.why, emoji };
    },
    restart() {
      intent = make();
      judge = judgeWith();
      return intent;
    },
    bytes: () => intent.bytes(),
    forget: () => intent.forget(),
    /** A person reacts to the bot's newest message. */
    react: (emoji: string, fields: object = {}) =>
      intent.reacted(
        { change: "added", ...newest, emoji, sender: PEOPLE.grace, ...fields } as never,
      ),
    remove: () => newest && intent.deleted({ ...newest, messageIds: [newest.messageId] }),
  };
}

const MENTION = { mention: "user" } as const;
const ANSWER = "Open the file nginx.conf, add a server block with listen 443, and reload nginx.";

describe("[I1] a conversation", () => {
  it("continues without mentions, ends with thanks, and leaves other talk alone", async () => {
    const { say } = await openRoom();
    assert.equal(say("grace", "anyone seen the game yesterday").why, "not-for-bot");
    const asked = "<@777> how do I serve https with nginx?";
    assert.equal(say("ada", asked, MENTION, ANSWER).why, "mentioned");
    assert.equal(say("ada", "where do you put the server block?", {}, ANSWER).why, "intent");
    assert.equal(say("ada", "and can you show me the reload command?", {}, ANSWER).why, "intent");
    assert.equal(say("ada", "thanks, that worked").why, "no-reply-needed");
    assert.equal(say("grace", "<@1003> lunch?", { mentionsOthers: true }).why, "to-others");
    assert.equal(say("linus", "ada: did it work for you?").why, "not-for-bot");
    assert.equal(say("grace", "the weather is nice today").why, "not-for-bot");
  });

  it("reads names anywhere, thanks in other languages, and follow-ups without a verb", async () => {
    const { say } = await openRoom();
    const linus = { displayName: "Leo 🎸" };
    assert.equal(say("linus", "mage is boring anyway", linus).why, "not-for-bot");
    assert.equal(say("ada", "<@777> which class fits our group?", MENTION).why, "mentioned");
    assert.equal(say("grace", "leo shut up you play warlock").why, "not-for-bot");
    assert.equal(say("ada", "<@777> how tall is katya?", MENTION).why, "mentioned");
    assert.equal(say("ada", "and trixie?").why, "intent");
    assert.equal(say("ada", "leo shut up you play warlock").why, "not-for-bot");
    for (const thanks of ["дякую", "teşekkürler", "merci beaucoup", "ありがとう!", "고마워"]) {
      assert.equal(say("ada", "<@777> how tall is katya?", MENTION).why, "mentioned");
      assert.equal(say("ada", thanks).why, "no-reply-needed", thanks);
    }
  });

  it("gives the same verdict again, from the facts on record and without the words", async () => {
    const { say, policy } = await openRoom({ openRequests: true });
    const talk = [
      say("ada", "<@777> how do I serve https with nginx?", MENTION, ANSWER),
      say("ada", "where do you put the server block?", {}, ANSWER),
      say("ada", "thanks"),
      say("grace", "hello"),
      say("linus", "does anyone know how to mount a usb stick?"),
      say("grace", "quiet"),
    ];
    const admit = prepareAdmission(policy, TEXT_COMMANDS);
    for (const { message, verdict, facts } of talk) {
      const known = facts ? { intent: facts } : {};
      const stored = JSON.parse(JSON.stringify(factsOf(message, known, verdict)));
      assert.deepEqual(admit(toMessage(stored, message), stored.knownFacts), verdict, message.text);
    }
  });

  it("gives the same verdict again on a bot's reply that names this bot", async () => {
    const named = { messages: { groupChat: { mentionPatterns: ["barnacle"] } } };
    const filter = { alwaysRespondToMentions: false };
    const { say, policy } = await openRoom(filter, {}, { allowBots: true }, named);
    const bot = sender({ id: userId("1004"), automaton: "bot" });
    const fields = { mention: "reply", sender: bot } as const; // such a reply is no mention (M2)
    const { message, verdict, facts } = say("ada", "thanks, barnacle", fields);
    assert.equal(facts?.matchesPattern, true);
    const stored = JSON.parse(JSON.stringify(factsOf(message, { intent: facts }, verdict)));
    const admit = prepareAdmission(policy, TEXT_COMMANDS);
    assert.deepEqual(admit(toMessage(stored, message), stored.knownFacts), verdict);
  });

  it("records the score with its five strongest features, and no words", async () => {
    const { say } = await openRoom();
    const { facts } = say("ada", "where is the pilchard?");
    assert.ok(facts && facts.score >= 0 && facts.score <= 1);
    assert.equal(facts.top?.length, 5);
    assert.doesNotMatch(JSON.stringify(facts), /pilchard/);
  });
});

describe("[I1] a filter that checks mentions", () => {
  it("answers a question, and no thanks", async () => {
    const { say } = await openRoom({ alwaysRespondToMentions: false });
    assert.equal(say("ada", "<@777> how do I serve https?", MENTION, ANSWER).why, "mentioned");
    assert.equal(say("grace", "<@777> what is a krill?", MENTION, ANSWER).why, "mentioned");
    assert.equal(say("grace", "thanks <@777>", MENTION).why, "no-reply-needed");
    assert.equal(say("grace", "/status").why, "command");
  });
});

describe("[I1] messages that do not arrive just now", () => {
  it("have no score, and a late one is not answered", async () => {
    const { judge, messageOf } = await openRoom();
    const { verdict, knownFacts } = judge(messageOf("ada", "where is it?"), "not_live");
    assert.equal(verdict.why, "no-score");
    assert.equal(knownFacts?.intent, undefined);
  });

  it("are the same if a restart was before the answer to a message without a mention", async () => {
    const scores: (number | undefined)[] = [];
    for (const restarts of [false, true]) {
      const { messageOf, judge, talked, restart, reply, pass } = await openRoom({
        respondThreshold: 0,
      });
      const asked = messageOf("ada", "how do I serve https with nginx?");
      assert.equal(judge(asked).verdict.why, "intent");
      const { id, channelId, sender, text, sentAt } = asked;
      talked.push({ kind: "person", id, channelId, sender, text, sentAt });
      if (restarts) await restart().start();
      pass(2_000);
      reply(asked, ANSWER);
      pass(5_000);
      const follow = judge(messageOf("ada", "where do you put the server block?"));
      scores.push(follow.knownFacts?.intent?.score);
    }
    assert.ok(scores[0] !== undefined);
    assert.equal(scores[1], scores[0]);
  });

  it("keep the score of their arrival after an edit, and when they are judged again", async () => {
    const { say, judge } = await openRoom();
    say("ada", "<@777> how do I serve https with nginx?", MENTION, ANSWER);
    const { message, facts } = say("ada", "where do you put the server block?", {}, ANSWER);
    const edited = { ...message, text: "nothing", revision: 5 };
    assert.deepEqual(judge(edited, "not_live").knownFacts?.intent, facts);
    assert.deepEqual(judge(message).knownFacts?.intent, facts);
  });
});

describe("[I1] limits of answers that no one asked for", () => {
  const follow = "where do you put the server block?";

  it("pause between people, but not for the person who was answered last", async () => {
    const { say, pass } = await openRoom({ respondThreshold: 0, noReplyReaction: "" });
    assert.equal(say("ada", follow).why, "intent");
    assert.equal(say("ada", follow).why, "intent");
    assert.equal(say("grace", follow).why, "cooldown");
    pass(30_000);
    assert.equal(say("grace", follow).why, "intent");
  });

  it("hold for an hour, and never for mentions", async () => {
    const { say, pass } = await openRoom({ respondThreshold: 0, maxPerHour: 2 });
    assert.equal(say("ada", follow).why, "intent");
    assert.equal(say("ada", follow).why, "intent");
    assert.equal(say("ada", follow).why, "hourly-limit");
    assert.equal(say("ada", "<@777> hello", MENTION).why, "mentioned");
    pass(3_600_000);
    assert.equal(say("ada", follow).why, "intent");
  });

  it("hold for the largest number that the config allows, too", async () => {
    const { say } = await openRoom({ respondThreshold: 0, maxPerHour: 200 });
    for (let number = 0; number < 200; number++) assert.equal(say("ada", follow).why, "intent");
    assert.equal(say("ada", follow).why, "hourly-limit");
    await assert.rejects(openRoom({ maxPerHour: 201 }), /from 0 to 200/);
  });

  it("hold over a restart", async () => {
    const { say, restart, pass } = await openRoom({ respondThreshold: 0, maxPerHour: 2 });
    say("ada", follow);
    say("ada", follow);
    restart();
    pass(60_000);
    assert.equal(say("ada", follow).why, "hourly-limit");
  });

  it("count a message once, however often it is judged", async () => {
    const { say, judge } = await openRoom({ respondThreshold: 0, maxPerHour: 2 });
    const { message } = say("ada", follow);
    for (let again = 0; again < 5; again++) assert.equal(judge(message).verdict.why, "intent");
    assert.equal(say("ada", follow).why, "intent");
  });

  it("hold in a crowd of 10,000 messages a minute, in bounded memory", async () => {
    const { judge, messageOf, pass, bytes } = await openRoom({
      respondThreshold: 0,
      maxPerHour: 7,
    });
    const explained = [];
    let accepted = 0;
    for (let number = 0; number < 10_000; number++) {
      pass(6);
      const id = userId(String(5_000 + number % 3_000));
      const message = messageOf("ada", `how do I feed krill number ${number}?`, {
        sender: sender({ id, username: `fan${number % 3_000}` }),
      });
      const { verdict, knownFacts } = judge(message);
      if (verdict.kind === "accept") accepted++;
      if (knownFacts?.intent?.top) explained.push(message);
    }
    assert.ok(accepted <= 7, `${accepted} answers`);
    assert.ok(explained.length <= 120, `${explained.length} explanations`);
    assert.ok(bytes() < 100_000, `${bytes()} bytes`);
  });

  it("bound questions to a model, too", async () => {
    const { judge, messageOf, pass } = await openRoom({ model: "openai/x", maxPerHour: 1 });
    let asked = 0;
    for (let number = 0; number < 200; number++) {
      pass(6);
      const message = messageOf("ada", "where do you put it?");
      if (judge(message).verdict.why === "intent-model") asked++;
      judge(messageOf("ada", "<@777> hi", MENTION));
    }
    assert.ok(asked <= 10, `${asked} questions`);
  });

  it("keep a bounded number of channels, and of their bytes", async () => {
    const { judge, messageOf, bytes } = await openRoom();
    let most = 0;
    for (let number = 0; number < 100; number++) {
      for (let person = 0; person < 200; person += number % 2 === 0 ? 1 : 100) {
        const place = { channelId: channelId(String(9_000 + number)) };
        judge(
          messageOf("ada", "hi", {
            ...place,
            sender: sender({ id: userId(`${1_000 + person}`) }),
          }),
        );
      }
      most = Math.max(most, bytes());
    }
    assert.ok(most > 1_000_000 && most <= 2 * 1_024 * 1_024, `${most} bytes`);
  });
});

describe("[I1] silence", () => {
  const follow = "where do you put the server block?";

  for (const [request, fields] of [["be quiet", {}], ["<@777> stop!", MENTION]] as const) {
    it(`lasts for an hour after ${JSON.stringify(request)}, over a restart, but not for mentions`, async () => {
      const { say, pass, restart } = await openRoom({ respondThreshold: 0 });
      assert.equal(say("ada", "<@777> how do I serve https?", MENTION, ANSWER).why, "mentioned");
      say("grace", request, fields);
      assert.equal(say("ada", follow).why, "quiet");
      restart();
      assert.equal(say("ada", follow).why, "quiet");
      assert.equal(say("ada", "<@777> are you there?", MENTION).why, "mentioned");
      assert.equal(say("ada", follow).why, "quiet");
      pass(3_600_000);
      assert.equal(say("ada", follow).why, "intent");
    });
  }

  it("is no matter of people who talk among themselves", async () => {
    const { say } = await openRoom();
    assert.equal(say("grace", "stop it").why, "not-for-bot");
  });
});

describe("[I1] outcomes", () => {
  const follow = "where do you put the server block?";

  it("move the threshold of a channel, over a restart and within bounds", async () => {
    const { say, react, remove, restart } = await openRoom({ respondThreshold: 0.5 });
    say("ada", "<@777> how do I serve https?", MENTION, ANSWER);
    react("👎");
    assert.equal(say("ada", follow, {}, ANSWER).facts?.shift, undefined, "that was asked for");
    react("👎");
    assert.equal(say("ada", follow, {}, ANSWER).facts?.shift, 0.03);
    remove();
    restart();
    assert.equal(say("ada", follow, {}, ANSWER).facts?.shift, 0.06);
    const after = await openRoom({ respondThreshold: 0 });
    for (let number = 0; number < 12; number++) {
      after.say("ada", follow, {}, ANSWER);
      after.react("👍");
      after.react("👍");
      after.react("👎", { sender: sender({ automaton: "bot" }) });
    }
    assert.equal(after.say("ada", follow).facts?.shift, -0.15);
  });

  it("learn from a question that a person repeats with a mention within two minutes", async () => {
    const { say, pass } = await openRoom();
    const question = "does krill glow in the dark water?";
    assert.equal(say("ada", question).why, "not-for-bot");
    assert.equal(say("grace", `<@777> ${question}`, MENTION).facts?.shift, undefined);
    say("ada", `<@777> ${question}`, MENTION);
    assert.equal(say("linus", "hello").facts?.shift, -0.015);
    assert.equal(say("linus", question).why, "not-for-bot");
    pass(120_000);
    say("linus", `<@777> ${question}`, MENTION);
    assert.equal(say("grace", "hello").facts?.shift, -0.015);
  });
});

describe("[I1] a message that needs no answer", () => {
  it("gets the reaction of the place, or none", async () => {
    for (const [written, expected] of [["", undefined], ["🦐", "🦐"]]) {
      const { say } = await openRoom({ noReplyReaction: written });
      say("ada", "<@777> how do I serve https?", MENTION, ANSWER);
      const { why, emoji } = say("ada", "thanks, that worked");
      assert.equal(why, "no-reply-needed");
      assert.equal(emoji, expected);
    }
  });
});

describe("[I1] [X5] a forgotten person", () => {
  it("is in no score any more, and the limits stay", async () => {
    const { say, forget } = await openRoom({ maxPerHour: 1, cooldownSec: 0 });
    say("ada", "<@777> how do I serve https with nginx?", MENTION, ANSWER);
    assert.equal(say("ada", "where do you put the server block?", {}, ANSWER).why, "intent");
    await forget();
    const { why, facts } = say("ada", "and where do you put the second block?");
    assert.equal(why, "not-for-bot");
    assert.equal(facts?.limit, "hour");
  });
});

describe("[I1] open requests", () => {
  it("get an answer only if the config permits it", async () => {
    const request = "does anyone know how to mount a usb stick in ubuntu?";
    assert.equal((await openRoom()).say("ada", request).why, "not-for-bot");
    assert.equal((await openRoom({ openRequests: true })).say("ada", request).why, "open-request");
  });
});

describe("[I1] mayRepeat()", () => {
  it("remembers no verdict of a scored message", async () => {
    const { judge, messageOf, policy } = await openRoom();
    const message = messageOf("ada", "hello");
    const judged = judge(message);
    assert.equal(judged.verdict.kind, "ignore");
    assert.equal(mayRepeat(message, judged, policy), false);
  });
});
