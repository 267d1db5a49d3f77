/** Tests who is answered: several bots in one process, permissions, names, and unpaired senders. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { answerTo } from "../../../simulator/model/script.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { Application } from "../../../simulator/world/world.ts";
import { type Scene, stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";
import { PAIRED } from "../../../src/render/sentences.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

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
    withSimulation({ simulator: { identifyLimit: { spacingMs: 0 } } }, async (scene) => {
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

const CODE = /\b[ABCDEFGHJKLMNPQRSTUVWXYZ23456789]{8}\b/;
const SECRET = "tell me a secret";

/** An unpaired sender writes for the first time, and gets a code. */
async function challenge({ say, replies, decided }: Scene, as: string): Promise<string> {
  const message = say(as, "dm", SECRET);
  const [notice = ""] = await replies("dm", 1, as);
  assert.equal(await decided(message), "challenge: pairing");
  const [code] = CODE.exec(notice) ?? [];
  assert.ok(code, `no code in ${notice}`);
  assert.ok(notice.includes(`barnacle pairing approve ${code}`), notice);
  return code;
}

/** Waits for another user's answer, so that all earlier messages are decided. */
async function settle({ say, mention, replies, written, here }: Scene): Promise<void> {
  const count = written(here).length + 1;
  say("grace", here, `${mention} finally`);
  await replies(here, count);
}

async function isAnswered({ say, replies, written }: Scene, as: string): Promise<void> {
  const count = written("dm", as).length + 1;
  say(as, "dm", "hear me now");
  assert.match((await replies("dm", count, as)).at(-1) ?? "", /hear me now/);
}

/** Asserts that the model never received the sender's messages from before the approval. */
function keptApart({ model }: Scene): void {
  assert.ok(!model.requests.some(({ body }) => body.includes(SECRET)));
}

describe("[P3] a running bot", () => {
  // Fewer codes than an account gives within a minute, and the wrong ones at the end.
  const play = sharedBot({ discord: () => ({ dm: { policy: "pairing" } }) });

  describe("[P3] the direct message of an unpaired sender", () => {
    it("gets a code; from an approval by another process to its end, messages are answered", () =>
      play(async (scene) => {
        const code = await challenge(scene, "mallory");
        await settle(scene);
        assert.equal(scene.model.requests.length, 1); // and it was not the sender's

        const approved = await scene.cli("pairing", "approve", code);
        assert.equal(approved.code, 0, approved.stderr.join("\n"));
        const mallory = scene.user("mallory");
        for (const said of [approved.stderr, approved.stdout]) { // before, and after
          assert.match(
            said.join("\n"),
            new RegExp(`mallory.*${mallory.id}|${mallory.id}.*mallory`),
          );
        }
        const [, told] = await scene.replies("dm", 2, "mallory");
        assert.equal(told, PAIRED);
        await isAnswered(scene, "mallory");
        keptApart(scene);
        const { paired, pending } = JSON.parse(
          (await scene.cli("pairing", "list", "--json")).stdout.join(""),
        );
        assert.deepEqual(pending, []);
        assert.deepEqual(paired.map(({ userId }: { userId: string }) => userId), [mallory.id]);

        const revoked = await scene.cli("pairing", "revoke", mallory.id);
        assert.equal(revoked.code, 0, revoked.stderr.join("\n"));
        const late = scene.say("mallory", "dm", "and now?");
        assert.doesNotMatch(await scene.decided(late), /accept/);
        await settle(scene);
        const answers = scene.written("dm", "mallory").filter((text) => /and now/.test(text));
        assert.equal(answers.length, 0);
      }));
  });
});
