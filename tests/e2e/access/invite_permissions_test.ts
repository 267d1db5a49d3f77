/**
 * Tests the bot in a guild whose `@everyone` has no permissions: those of the invite link suffice.
 *
 * Discord may refuse no request here, because each test of this folder checks that at its end.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answerTo } from "../../../simulator/model/script.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import { stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

/** Takes all permissions from `@everyone`, and gives the helpers those that people need. */
function strip({ permit }: Simulator): void {
  for (const what of ["viewChannel", "sendMessages", "sendMessagesInThreads"] as const) {
    permit({ to: "helpers", what, as: "allowed" });
  }
  permit({ to: "@everyone", what: "all", as: "denied" });
}

/** An answer that people see while it grows. */
async function* slowly(): AsyncGenerator<string> {
  yield "[[reply_to_current]] Krill are small. ";
  await sleep(2_500);
  yield "This is the end.";
}

const THREAD = "How do I feed krill?";

describe("[O3] [SEC-R34] the permissions of the invite link, with a bare @everyone", () => {
  it("suffice for a growing answer with a quote, a reaction, a file and a thread", () =>
    withSimulation(
      { discord: () => ({ streaming: "edit", replyToMode: "first" }) },
      async (scene) => {
        const { simulator, start, say, mention, replies, until } = scene;
        await using model = await startFixedModel((asked) =>
          asked.includes("a book") ? answerTo("a book") : slowly()
        );
        strip(simulator);
        await start({ OPENAI_BASE_URL: model.baseUrl });
        const asked = say("grace", "general", `${mention} hello`);
        const reactions = () => simulator.channel("general").messages.get(asked.id)?.reactions;
        await until("the reaction", () => reactions()?.has("👀"));
        await until("the end", () => simulator.posted("general")[0]?.content.includes("end"));
        assert.equal(simulator.posted("general")[0]?.reference?.messageId, asked.id);
        say("grace", "help", `${mention} a book`);
        await until("the file", () => simulator.posted("help")[0]?.attachments.length === 1);
        say("grace", THREAD, `${mention} and here?`);
        await replies(THREAD, 1);
      },
    ));

  it("suffice to read the messages that no session delivered", () =>
    withSimulation({ simulator: { identifyLimit: { maxConcurrency: 16 } } }, async (scene) => {
      const { simulator, start, say, mention, replies, until } = scene;
      strip(simulator);
      const first = await start();
      say("grace", "general", `${mention} before`);
      await replies("general", 1);
      await stopBot(first);
      await until("the end of the connection", () => simulator.connected() === 0);
      simulator.faults.gateway.forgetSessions();
      say("grace", "general", `${mention} meanwhile`);
      await start();
      await replies("general", 2);
    }));
});
