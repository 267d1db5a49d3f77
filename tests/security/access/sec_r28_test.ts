/** Tests two Barnacles that may answer bots without a mention: they must stop. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";
import { startSecondBot } from "../../support/process/second_bot.ts";

const MAX_TURNS = 6;

/** Answers that may still be running when the limit is reached: one of each bot. */
const UNDER_WAY = 2;

describe("[P11] [SEC-R28] two Barnacles facing each other", () => {
  it(`stop after ${MAX_TURNS} messages, until a person writes`, () => {
    const rules = (guildId: string) => ({
      allowBots: true,
      loopGuard: { maxTurns: MAX_TURNS, muteMin: 10 },
      guilds: { [guildId]: { channels: { general: {}, "off-topic": { requireMention: false } } } },
    });
    return withSimulation({
      discord: (simulator) => {
        const [krill] = simulator.world.guilds.values();
        return krill ? rules(krill.id) : {};
      },
      simulator: { rateLimits: false, identifyLimit: { maxConcurrency: 16 } },
    }, async (scene) => {
      const { simulator, start, say, until, rows } = scene;
      const [krill] = simulator.world.guilds.values();
      const [, limpet] = simulator.world.applications.values();
      assert.ok(krill && limpet);
      await start();
      await using other = startSecondBot(scene, {
        env: { DISCORD_BOT_TOKEN: limpet.token },
        config: { channels: { discord: rules(krill.id) }, http: { port: 0 } },
      });
      await until("both to be online", () => simulator.connected() === 2);
      const { messages } = simulator.channel("off-topic");
      const byBots = () =>
        [...messages.values()].filter(({ author }) => author.kind === "user")
          .filter(({ author }) =>
            simulator.world.users.get(author.kind === "user" ? author.userId : krill.ownerId)?.isBot
          ).length;
      const isMuted = () => rows("SELECT 1 FROM decision WHERE why = 'loop-guard'").length > 0;

      say("grace", "off-topic", "anybody here?");
      await until("them to come to an end", () => byBots() >= MAX_TURNS && isMuted());
      for (const bot of [simulator.application, limpet]) { // running answers have arrived
        const before = simulator.posted("general", bot).length;
        say("grace", "general", `<@${bot.userId}> still there?`);
        await until("an answer", () => simulator.posted("general", bot).length > before);
      }
      assert.ok(byBots() <= MAX_TURNS + UNDER_WAY, `${byBots()} messages`);

      const before = byBots();
      say("grace", "off-topic", "go on");
      await until("them to speak again", () => byBots() > before);
      assert.ok(other.pid);
    });
  });
});
