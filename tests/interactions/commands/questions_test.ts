import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { messageId } from "../../support/discord/builders.ts";
import type {
  CommandQuestion,
  InteractionContext,
} from "../../../src/interactions/base/context.ts";
import { whoami } from "../../../src/interactions/commands/about.ts";
import { forget } from "../../../src/interactions/commands/own_data.ts";
import { agents, pause } from "../../../src/interactions/commands/bot.ts";
import { ANSWER_MAX } from "../../../src/interactions/base/command.ts";
import { help } from "../../../src/interactions/commands/about.ts";
import { askAbout, skill, why, whyNoAnswer } from "../../../src/interactions/commands/questions.ts";
import { COMMANDS } from "../../../src/interactions/registry.ts";
import { callOf } from "../../support/discord/calls.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

const ID = messageId("1450000000000000002");

function asking(where: "here" | "direct" | "refused" = "here") {
  const asked: CommandQuestion[] = [];
  const ask: InteractionContext["ask"] = (_, question) => {
    asked.push(question);
    return Promise.resolve(where);
  };
  const skills = () => Promise.resolve([{ name: "Tides", description: "Reads tide tables" }]);
  return { asked, context: interactionContext({ ask, skills }) };
}

describe("[K2] /help", () => {
  it("lists all commands within one answer", async () => {
    const text = String(
      await help.run(callOf("help"), interactionContext({ commands: () => COMMANDS })),
    );
    assert.match(text, /\n\*\*Owners:\*\*\n[^*]*`\/pause` Pause me everywhere, or let me go on/);
    assert.doesNotMatch(text, /\n\n/);
    assert.ok(text.length <= ANSWER_MAX, `${text.length} characters`);
  });

  it("describes more commands than there are now", async () => {
    const commands = [...COMMANDS, ...COMMANDS.slice(0, COMMANDS.length / 2)];
    const context = interactionContext({ commands: () => commands });
    const text = String(await help.run(callOf("help"), context));
    assert.equal(text.match(/^`\/\w+` \w+/gm)?.length, commands.length);
  });
});

describe("[K2] /whoami", () => {
  it("shows the ids of person, guild and channel", async () => {
    const call = callOf("whoami");
    const text = String(await whoami.run(call, interactionContext()));
    for (const id of [call.sender.id, call.guildId, call.channelId]) {
      assert.ok(text.includes(String(id)));
    }
  });
});

describe("[K2] [T7] /skill", () => {
  it("starts a turn with the skill", async () => {
    const { asked, context } = asking();
    const call = callOf("skill", { options: { name: "tides", input: "for Brest" } });
    assert.match(String(await skill.run(call, context)), /^I'm on it/);
    assert.deepEqual(asked, [{ text: 'Use the skill "Tides": for Brest' }]);
  });

  it("names the skills if there is none of that name", async () => {
    const { asked, context } = asking();
    const text = String(await skill.run(callOf("skill", { options: { name: "x" } }), context));
    assert.match(text, /My skills: `Tides`$/);
    assert.deepEqual(asked, []);
  });
});

describe("[K6] commands of a message's menu", () => {
  const target = { id: ID, text: "high at noon", channelId: callOf("x").channelId };

  it("ask about that message", async () => {
    const { asked, context } = asking("direct");
    const text = await askAbout.run(callOf("Ask Barnacle", { target }), context);
    assert.match(String(text), /in our direct messages/);
    assert.equal(asked[0]?.about?.id, ID);
  });

  it("say so if the asker has no right to a turn", async () => {
    const { context } = asking("refused");
    const text = await askAbout.run(callOf("Ask Barnacle", { target }), context);
    assert.equal(text, "You are not authorized to do that.");
  });

  it("explain it", async () => {
    const context = interactionContext({ why: (_, id) => Promise.resolve(`because of ${id}`) });
    const text = await whyNoAnswer.run(callOf("Why no answer?", { target }), context);
    assert.equal(text, `because of ${ID}`);
  });
});

describe("[K2] [P1] /why", () => {
  const seen: string[] = [];
  const context = interactionContext({
    why(_, id) {
      seen.push(id);
      return Promise.resolve(undefined);
    },
  });
  for (
    const message of [
      ID,
      `https://discord.com/channels/1/2/${ID}`,
      `https://discord.com/channels/1/2/${ID}/`,
    ]
  ) {
    it(`reads ${message}`, async () => {
      const text = await why.run(callOf("why", { options: { message } }), context);
      assert.match(String(text), /^I have no record/);
      assert.equal(seen.pop(), ID);
    });
  }

  it("takes the message to which a text command replies", async () => {
    const target = { id: ID, text: "", channelId: callOf("x").channelId };
    await why.run(callOf("why", { target }), context);
    assert.equal(seen.pop(), ID);
  });

  it("asks for a message if there is none", async () => {
    assert.match(String(await why.run(callOf("why"), context)), /^Give the link/);
    const options = { message: "why not?" };
    assert.match(String(await why.run(callOf("why", { options }), context)), /^Give the link/);
  });
});

describe("[X5] /forget me", () => {
  it("forgets the asker, unless a turn of theirs is open", async () => {
    for (
      const [outcome, text] of [["forgotten", /^I have deleted/], [
        "open turns",
        /^I am still/,
      ]] as const
    ) {
      const forgotten: unknown[] = [];
      const context = interactionContext({
        forget(id) {
          forgotten.push(id);
          return Promise.resolve(outcome);
        },
        isOwner: () => Promise.resolve(false),
      });
      assert.match(
        String(await forget.run(callOf("forget", { options: { who: "me" } }), context)),
        text,
      );
      assert.deepEqual(forgotten, [callOf("forget").sender.id]);
    }
  });

  it("[P10] forgets another person for an owner alone", async () => {
    for (const isOwner of [true, false]) {
      const forgotten: unknown[] = [];
      const context = interactionContext({
        isOwner: () => Promise.resolve(isOwner),
        forget(id) {
          forgotten.push(id);
          return Promise.resolve("forgotten");
        },
      });
      await forget.run(callOf("forget", { options: { who: "123456789012345678" } }), context);
      assert.deepEqual(forgotten, isOwner ? ["123456789012345678"] : []);
    }
  });
});

describe("[X4] /pause", () => {
  it("pauses, and lets the bot go on", async () => {
    let isPaused = false;
    const context = interactionContext({
      pause: {
        toggle() {
          isPaused = !isPaused;
          return Promise.resolve({ isPaused, stopped: 3 });
        },
      },
    });
    assert.match(String(await pause.run(callOf("pause"), context)), /stopped turns: 3/);
    assert.equal(await pause.run(callOf("pause"), context), "I am back.");
    assert.equal(isPaused, false);
  });
});

describe("[K2] /agents", () => {
  it("lists agents and models", async () => {
    const context = interactionContext({ agents: () => [{ id: "main", modelId: "a/b" }] });
    assert.equal(await agents.run(callOf("agents"), context), "`main`: `a/b`");
  });
});
