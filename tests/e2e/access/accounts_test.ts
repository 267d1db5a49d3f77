/** Tests several bots in one process: each with its own token and rules, and one store. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answerTo } from "../../../simulator/model/script.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { Application } from "../../../simulator/world/world.ts";
import { stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

/** Its second account, which joins the world at the first look. */
function squidOf({ world, addBot }: Simulator): Application {
  const squid = [...world.applications.values()].find(({ userId }) =>
    world.users.get(userId)?.username === "Squid"
  );
  return squid ?? addBot({ username: "Squid", guilds: ["Krill & Co"] });
}

/** Keys of two accounts, `default` and `squid` in the same guild, with keys of Squid's and of both. */
const accounts = (own: object = {}, top: object = {}) => (simulator: Simulator) => {
  const [krill] = simulator.world.guilds.values();
  assert.ok(krill);
  return {
    guilds: { [krill.id]: { channels: { "*": {}, "off-topic": { requireMention: false } } } },
    accounts: { squid: { token: squidOf(simulator).token, ...own } },
    ...top,
  };
};

describe("[C6] two accounts", () => {
  it("[C7] connect if enabled, and are independent: one refused by Discord leaves the others running, and health says so", () =>
    withSimulation({
      discord: (simulator) => {
        const { accounts: { squid }, ...keys } = accounts({ token: "${SQUID_TOKEN}" })(simulator);
        return { ...keys, accounts: { squid, off: { token: "${OFF_TOKEN}", enabled: false } } };
      },
      mayRefuse: ({ status }) => status === 401,
    }, async ({ start, simulator, say, mention, replies, ask, eventually }) => {
      const off = squidOf(simulator);
      const bot = await start({ SQUID_TOKEN: "refused.by.discord", OFF_TOKEN: off.token });
      say("grace", "general", `${mention} alone?`);
      await replies("general", 1);
      await eventually("health to say so", async () => {
        const { status } = await (await ask(bot, "/healthz")).json();
        return status === "warn";
      });
      assert.equal((await ask(bot, "/healthz")).status, 200);
      assert.equal(simulator.connected(), 1);
      assert.equal(simulator.account(off).connections, 0);
    }));
});

/**
 * Tests the bot in a guild whose `@everyone` has no permissions: those of the invite link suffice.
 *
 * Discord may refuse no request here, because each test of this folder checks that at its end.
 */

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
      async ({ simulator, start, say, mention, replies, until }) => {
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
