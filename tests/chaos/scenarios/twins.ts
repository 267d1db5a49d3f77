/**
 * Runs two Barnacles with one token, as on two hosts: both receive and answer everything.
 *
 * The lock of this host contains the server's address. So the second bot, which reaches Discord by
 * another address, passes it as one on another machine would.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { discordNow } from "../../../simulator/world/clock.ts";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { startOwnProcess } from "../../../src/host/process/own_process.ts";
import { API_KEY, commandUnderTest } from "../../support/bot/e2e.ts";
import type { Bound } from "../support/report.ts";
import { scenarioOf } from "../support/scenario.ts";
import { onStand, type Stand } from "../support/stand.ts";

/** Minimum time between two IDENTIFYs of a token. */
const SPACING_MS = 6_200;

/**
 * Delay in each direction: longer than unimportant messages wait to be stored, because an echo
 * counts as one.
 */
const MODEL_DELAY_MS = 300;

/** Maximum milliseconds after the talk until both bots must have answered one question. */
const PATIENCE_MS = 20_000;

/** Discord's side looks the same for a minute when one bot replaces another [G11]. */
const CONFIRMED_SEC = 60;

export const scenario = scenarioOf({
  name: "twins",
  summary: "two processes with one token: each question answered once, and the doubt is reported",
  long: { talkSec: 90, pauseMs: 3_000 },
  short: { talkSec: 1, pauseMs: 150 },
  run: ({ seed, talkSec, pauseMs }) =>
    onStand(seed, {}, async (stand) => {
      const { crowd, simulator, until, seeded, wires } = stand;
      // As on a slower host: the other bot's answer arrives while the model still thinks.
      await wires.model.welcome({ kind: "delay", ms: MODEL_DELAY_MS });
      const bot = await stand.start();
      crowd.ask();
      await until("the first answer", () => crowd.account().lost.length === 0);
      const identifiedAt = simulator.account().identifies.at(-1) ?? 0;
      await sleep(Math.max(0, identifiedAt + SPACING_MS - discordNow()));
      const twin = startTwin(stand);
      try {
        await until("the twin to be online", () => simulator.connected() === 2);
        const endsAt = performance.now() + talkSec * 1_000;
        const answeredByBoth = () =>
          [...simulator.account().creates.values()].filter(({ attempts }) => attempts > 1).length;
        const latest = endsAt + PATIENCE_MS; // on a busy machine, one bot may see the other's answer
        while (performance.now() < (answeredByBoth() > 0 ? endsAt : latest)) {
          crowd.ask();
          await sleep(seeded.upTo(pauseMs));
        }
        await until("all answers", () => crowd.account().lost.length === 0, 60_000);
        const byBoth = answeredByBoth();
        const isSaid = () => bot.lines.some((line) => /another program/i.test(line));
        await until("the log to say it", isSaid, 60_000); // a busy machine reads it later
        const bounds: Bound[] = [["both answer", byBoth > 0]];
        if (talkSec > CONFIRMED_SEC) bounds.push(...await whatIsSaid(stand, bot));
        return { bot, facts: { byBoth }, bounds };
      } finally {
        await twin.stop();
      }
    }),
});

async function whatIsSaid(
  { ask, status }: Stand,
  bot: SimulatedProcess,
): Promise<readonly Bound[]> {
  const health = await (await ask(bot, "/healthz")).text();
  const { snapshot } = await status(bot);
  return [
    ["/healthz says it", /instance/.test(health)],
    ["status says it", snapshot.accounts[0]?.twin !== undefined],
    ["the log warns of it", bot.lines.some((line) => /"level":"warn".*token/.test(line))],
  ];
}

/** The same bot with its own data directory. */
function startTwin({ simulator, model, configFile }: Stand): { stop(): Promise<void> } {
  const dataDir = mkdtempSync(join(tmpdir(), "barnacle-twin-"));
  const { PATH, HOME, DENO_DIR } = process.env;
  const child = startOwnProcess(
    commandUnderTest(),
    ["run", "--config", configFile, "--data", dataDir],
    {
      PATH,
      HOME,
      DENO_DIR,
      DISCORD_API_URL: simulator.apiUrl,
      DISCORD_BOT_TOKEN: simulator.token,
      OPENAI_BASE_URL: model.baseUrl,
      OPENAI_API_KEY: API_KEY,
      OPENAI_MODEL: model.models[0],
    },
    () => {},
  );
  return {
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
