/** Tests faulty REST servers, and messages of the command line. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RestFault } from "../../../simulator/notes/faults.ts";
import { accountOf, type Owed, settled } from "../../support/bot/account.ts";
import { type Ran, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { judge } from "../../support/bot/survival.ts";

/** Faults of the server, each of the requests for messages to one channel. */
const FAULTS: readonly RestFault[] = [
  { kind: "hang" },
  { kind: "swallow" },
  { kind: "cut_body" },
  { kind: "garbage" },
  { kind: "reform", change: () => "" },
  { kind: "reform", change: () => "<title>Sign in to the hotel's network</title>" },
  ...[200, 400, 403, 404, 413, 502].map((status) => ({ kind: "html", status }) as const),
  { kind: "cloudflare", retryAfterSec: 0 },
  { kind: "reset" },
  { kind: "reset_after" },
];
const PADDING = "krill ".repeat(15).trim();
const OPTIONS_OF_REST_FAULTS = {
  discord: () => ({
    textChunkLimit: 160,
    rest: { timeoutSec: 1 },
    retry: { minDelayMs: 20, maxDelayMs: 200 },
  }),
  simulator: { rateLimits: false },
  mayRefuse: () => true,
} as const;

/** @param round Its name is in the words of each question. */
function ask({ say, mention }: Scene, round: string): readonly Owed[] {
  say("grace", "general", `${mention} ${round}a ${PADDING}\n${round}b ${PADDING}`);
  say("grace", "general", `${mention} ${round}c.`);
  say("ada", "off-topic", `${mention} ${round}d.`);
  return [
    { channel: "general", pieces: [`${round}a`, `${round}b`, `${round}c.`] },
    { channel: "off-topic", pieces: [`${round}d.`] },
  ];
}

describe("[D1] [D5] [D6] a faulty server delays one channel, and loses nothing", () => {
  it("for each of its faults", () =>
    withSimulation(OPTIONS_OF_REST_FAULTS, async (scene) => {
      const { simulator, start, written, until } = scene;
      const bot = await start();
      const { id } = simulator.channel("general");
      const all: Owed[] = [];
      for (const [index, fault] of FAULTS.entries()) {
        const what = JSON.stringify(fault);
        const path = `/channels/${id}/messages`;
        const rule = simulator.faults.rest.add({ method: "POST", path, fault });
        const owed = ask(scene, `q${index + 1}`);
        all.push(...owed);
        await until(`two requests: ${what}`, () => rule.hits() >= 2);
        await until(
          `the other channel: ${what}`,
          () => accountOf(owed.slice(1), written).lost.length === 0,
        );
        rule.remove();
        await until(`all answers: ${what}`, () => accountOf(owed, written).lost.length === 0);
        assert.deepEqual(accountOf(all, written), settled(all), what);
      }
      const pieces = (where: string) =>
        all.flatMap(({ channel, pieces }) => channel === where ? pieces : []);
      await judge(
        scene,
        bot,
        ["general", "off-topic"].map((channel) => ({ channel, pieces: pieces(channel) })),
      );
    }));
});

/** Runs the command with the simulation's config and data. */
function send(scene: Scene, ...args: readonly string[]): Promise<Ran> {
  const { simulator, command, configFile, dataDir } = scene;
  return command(["send", ...args, "--config", configFile, "--data", dataDir], {
    DISCORD_API_URL: simulator.apiUrl,
    DISCORD_BOT_TOKEN: simulator.token,
  });
}

const said = ({ stdout, stderr }: Ran) => [...stdout, ...stderr].join("\n");

describe("[S4] [D2] barnacle send", () => {
  const ready = async (scene: Scene) => {
    await scene.line(await scene.start(), /"The bot is ready"/);
  };

  it("sends a text and a file through the running bot, or says why it waits", () =>
    withSimulation({ mayRefuse: ({ status }) => status === 403 }, async (scene) => {
      await ready(scene);
      const file = join(scene.dataDir, "tide.txt");
      writeFileSync(file, "high at noon");
      const ran = await send(scene, "#general", "The", "tide", "is in.", "--file", file);
      assert.equal(ran.code, 0, said(ran));
      const [message, ...more] = scene.simulator.posted("general");
      assert.deepEqual(more, []);
      assert.ok(message);
      assert.equal(message.content, "The tide is in.");
      assert.deepEqual(message.pings, { users: [], roles: [], everyone: false });
      const [attachment] = message.attachments;
      assert.equal(attachment?.filename, "tide.txt");
      assert.equal(new TextDecoder().decode(attachment?.bytes), "high at noon");
      assert.match(ran.stdout.join("\n"), new RegExp(`/${message.channelId}/${message.id}$`, "m"));
      const { creates } = scene.simulator.account();
      assert.deepEqual([...creates.values()].map(({ messages }) => messages.size), [1]);
      scene.simulator.permit({ to: "Barnacle", what: "sendMessages", as: "denied", in: "general" });
      const kept = await send(scene, "#general", "again", "--wait", "2");
      assert.equal(kept.code, 75, said(kept));
      assert.match(said(kept), /still in the outbox.*Send Messages is denied.*keeps trying/);
    }));
});
