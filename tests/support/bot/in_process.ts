/** Starts the whole bot in the process of the test, on a simulated Discord. */

import { FEATURES } from "../../../src/features/features.ts";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AccountSetup, BotOptions, Setup } from "../../../src/bot.ts";
import type { Config } from "../../../src/config/config.ts";
import type { Model } from "../../../src/core/model.ts";
import type { Logging } from "../../../src/log.ts";
import type { StoreOptions } from "../../../src/store/store.ts";
import { type Simulator, startSimulator } from "../../../simulator/simulator.ts";
import { loadTestConfig } from "../config.ts";
import { recordingLog } from "../recording_log.ts";
import { openTestStore } from "../store/store.ts";
import { BUILD } from "./health.ts";
import { modelsOf } from "./models.ts";

/** Milliseconds within which every awaited event must happen. */
export const PATIENCE_MS = 45_000;

/** Repeats the end of the message. */
export const PARROT: Model = {
  id: "test/parrot",
  async *generate({ messages }) {
    yield { kind: "text", text: `you said: ${messages.at(-1)?.text.slice(-60) ?? ""}` };
    yield { kind: "finish", reason: "stop" };
  },
};

/**
 * Gives a test what `startBot()` takes, with a store of its own, and ends both afterwards.
 *
 * @param play Also gets the names of the log's lines so far.
 * @param model Answers; {@link PARROT} by default.
 * @param discord Keys of `channels.discord`, by the id of the demo's server.
 */
export async function onSimulator(
  play: (simulator: Simulator, options: BotOptions, said: () => readonly string[]) => Promise<void>,
  model: Model = PARROT,
  discord: (guildId: string) => object = (guildId) => ({ guilds: { [guildId]: {} } }),
  ofStore: Partial<StoreOptions> = {},
): Promise<void> {
  const simulator = await startSimulator();
  const [krill = ""] = simulator.world.guilds.keys();
  const { log, lines } = recordingLog();
  const logging: Logging = {
    forPart: () => log,
    addSecret: () => {},
    secrets: () => [],
    setLevel: () => {},
    clean: (text) => text,
    stop: () => {},
  };
  const { store } = openTestStore(ofStore);
  try {
    await play(simulator, {
      setup: setupOf(await loadTestConfig(discord(krill)), {
        token: simulator.token,
        models: modelsOf(model),
        apiBase: `${simulator.apiUrl}/api`,
      }),
      features: FEATURES,
      store,
      logging,
      build: BUILD,
      commandKey: "key",
      dataDir: tmpdir(),
      isConnectionDebug: false,
      env: {},
      mediaFolder: join(tmpdir(), "barnacle-no-media"),
    }, () => lines.map(({ event }) => event));
  } finally {
    store.close();
    await simulator.close();
  }
}

function setupOf({ discord, ...shared }: Config, account: AccountSetup): Setup {
  return {
    config: { ...shared, accounts: [discord] },
    accounts: new Map([[discord.accountId, account]]),
  };
}
