/** Tests two Barnacles that may answer bots without a mention: they must stop. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Simulator } from "../../../simulator/simulator.ts";
import { ended, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";

const MAX_TURNS = 6;

/** Runs two of them with the same rules for the channel without mentions. */
function withTwo(
  here: object,
  play: (
    scene: Scene & {
      /** Number of their messages in the channel and in its threads. */
      readonly byBots: () => number;
      /** Kills the first one, and starts it again. */
      readonly restart: () => Promise<void>;
    },
  ) => Promise<void>,
): Promise<void> {
  const rules = ({ world }: Simulator) => ({
    allowBots: true,
    loopGuard: { maxTurns: MAX_TURNS, muteMin: 10 },
    guilds: {
      [String([...world.guilds.keys()][0])]: {
        channels: { general: {}, "off-topic": { requireMention: false, ...here } },
      },
    },
  });
  return withSimulation({
    discord: rules,
    // Discord refuses the second thread on a message: both bots answer the same one.
    mayRefuse: ({ route, status }) => route.endsWith("/threads") && status === 400,
    simulator: { rateLimits: false, identifyLimit: { spacingMs: 0 } },
  }, async (scene) => {
    const { simulator, start, until } = scene;
    const [, limpet] = simulator.world.applications.values();
    assert.ok(limpet);
    const first = await start();
    await using other = startSecondBot(scene, {
      env: { DISCORD_BOT_TOKEN: limpet.token },
      config: { channels: { discord: rules(simulator) }, http: { port: 0 } },
    });
    await until("both to be online", () => simulator.connected() === 2);
    const { id } = simulator.channel("off-topic");
    const isHere = (channel: { readonly id: string; readonly parentId?: unknown }) =>
      channel.id === id || channel.parentId === id;
    const byBots = () =>
      [...simulator.world.channels.values()].filter((channel) => isHere(channel))
        .flatMap(({ messages }) => [...messages.values()])
        .filter(({ author }) =>
          author.kind === "user" && simulator.world.users.get(author.userId)?.isBot
        ).length;
    const restart = async () => {
      first.kill("SIGKILL");
      await ended(first);
      await start();
      await until("it to be back", () => simulator.connected() === 2);
    };
    await play({ ...scene, byBots, restart });
    assert.ok(other.pid);
  });
}

/** Waits until both have answered a mention elsewhere, so their running answers have arrived. */
async function atRest({ simulator, say, until }: Scene): Promise<void> {
  for (const bot of simulator.world.applications.values()) {
    if (!simulator.posted(undefined, bot).length) continue;
    const before = simulator.posted("general", bot).length;
    say("grace", "general", `<@${bot.userId}> still there?`);
    await until("an answer", () => simulator.posted("general", bot).length > before);
  }
}

const isMuted = ({ rows }: Scene) =>
  rows("SELECT 1 FROM decision WHERE why = 'loop-guard'").length > 0 ||
  rows("SELECT 1 FROM setting WHERE name = 'loop' AND value ->> '$.mutedAt' > 0").length > 0;

describe("[P11] [SEC-R28] two Barnacles facing each other", () => {
  for (
    const [name, here] of [["in a channel", {}], ["in threads", {
      threads: { auto: "all" },
    }]] as const
  ) {
    it(`${name} stop after ${MAX_TURNS} messages, until a person writes`, () =>
      withTwo(here, async (scene) => {
        const { say, until, byBots } = scene;
        say("grace", "off-topic", "anybody here?");
        await until("them to come to an end", () => isMuted(scene));
        await atRest(scene);
        assert.ok(byBots() <= MAX_TURNS, `${byBots()} messages`);

        const before = byBots();
        say("grace", "off-topic", "go on");
        await until("them to speak again", () => byBots() > before);
      }));
  }

  it("go on counting after a restart", () =>
    withTwo({}, async (scene) => {
      const { say, until, byBots, restart, simulator } = scene;
      say("grace", "off-topic", "anybody here?");
      await until("them to come to an end", () => isMuted(scene));
      await atRest(scene);
      const before = byBots();
      await restart();
      simulator.say({ as: "Limpet", in: "off-topic", text: "And you?" });
      await until("the verdict", () => isMuted(scene));
      await atRest(scene);
      assert.equal(byBots(), before + 1);
    }));
});
