/**
 * Starts one account on a simulated Discord, in the process of the test.
 *
 * So a test can decide when the account gets its other parts, and act at Discord before that.
 */

import type { AccountEnd } from "../../../src/bot/account_end.ts";
import { FEATURES } from "../../../src/features/features.ts";
import { tmpdir } from "node:os";
import { startSimulator } from "../../../simulator/simulator.ts";
import { startAccount } from "../../../src/bot/account/account.ts";
import type { RunningAccount } from "../../../src/bot/account/running.ts";
import type { OwnSetup } from "../../../src/bot/rules/setup.ts";
import { createInvalidRequests } from "../../../src/discord/rest/scheduler/rate_limiter.ts";
import type { Model } from "../../../src/core/model.ts";
import { loadTestConfig } from "../config.ts";
import { type LogLine, recordingLog } from "../recording_log.ts";
import { openTestStore } from "../store/store.ts";
import { MANY_QUESTIONS } from "./e2e.ts";
import { modelsOf } from "./models.ts";
import { setupOf, testBot } from "./process.ts";

/** Milliseconds within which every awaited event must happen. */
const PATIENCE_MS = 60_000;

/** Name of a question, which its answer repeats. */
const NAME = /\bq\d+\b/g;

/** Answers with the name of the last question. */
const PARROT: Model = {
  id: "test/parrot",
  async *generate({ messages }) {
    const names = JSON.stringify(messages.at(-1)).match(NAME);
    yield { kind: "text", text: names?.at(-1) ?? "no question" };
    yield { kind: "finish", reason: "stop" };
  },
};

/** A simulated Discord, a store, and the means to start an account there. */
export type AccountScene = Awaited<ReturnType<typeof openAccountScene>>;

/** Opens a scene; `close` ends it. The store stays between two starts, as between two processes. */
export async function openAccountScene() {
  const simulator = await startSimulator({ rateLimits: false });
  const [krill = ""] = simulator.world.guilds.keys();
  const { log, lines } = recordingLog();
  const { store } = openTestStore();
  const config = await loadTestConfig({ guilds: { [krill]: {} } }, MANY_QUESTIONS);
  const own: OwnSetup = {
    config,
    token: simulator.token,
    models: modelsOf(PARROT),
    apiBase: `${simulator.apiUrl}/api`,
  };
  const bot = testBot({ setup: setupOf(own), store, log, dataDir: tmpdir(), features: FEATURES });

  const ended = Promise.withResolvers<AccountEnd>();

  /** Waits for a condition at Discord. */
  function until(check: () => boolean): Promise<boolean> {
    return simulator.until(() => check() || undefined, AbortSignal.timeout(PATIENCE_MS));
  }

  return {
    ...{ simulator, until, bot, own },
    /** Once an account has ended by itself. */
    ended: ended.promise,
    /** Waits for the first IDENTIFY. */
    identified: () => until(() => simulator.account().identifies.length > 0),
    /** Waits until the gateway's thread has read READY or RESUMED for the `count`th time. */
    online(count = 1) {
      const isOnline = ({ event }: LogLine) => event.endsWith("the bot is online");
      return until(() => lines.filter(isOnline).length >= count);
    },
    /** Asks the bot a question in #general; its answer repeats the name. */
    ask(name: string) {
      const text = `<@${simulator.application.userId}> ${name}`;
      simulator.say({ as: "grace", in: "general", text });
    },
    /** The answers in #general, once there are that many. */
    async answers(count: number): Promise<readonly string[]> {
      await until(() => simulator.posted("general").length >= count);
      return simulator.posted("general").map(({ content }) => content);
    },
    async start(loadRest?: Parameters<typeof startAccount>[3]): Promise<RunningAccount> {
      const invalidRequests = createInvalidRequests();
      return await startAccount(bot, own, { invalidRequests, onEnd: ended.resolve }, loadRest);
    },
    async close() {
      store.close();
      await simulator.close();
    },
  };
}
