/**
 * Runs the API for programs while the config has some (O14).
 *
 * Its code is loaded with the first program of the config. Without one, nothing listens.
 */

import type { Bot, BotOptions, Setup } from "../../bot.ts";
import type { Log } from "../../lib/log.ts";
import type { ApiServer } from "./server.ts";

/** Creates it; loads nothing. */
export function createApiHost(
  bot: Pick<Bot, "calls" | "setListening">,
  { setup: first, build }: Pick<BotOptions, "setup" | "build">,
  log: Log,
) {
  let setup: Setup = first;
  let server: ApiServer | undefined;
  let changing = Promise.resolve();

  async function change(): Promise<void> {
    const { api } = setup.config;
    if (Object.keys(api.programs).length === 0) {
      const ended = server;
      server = undefined;
      await ended?.close();
      return bot.setListening("api");
    }
    const { createApiServer } = await import("./server.ts");
    server ??= createApiServer({ setup: () => setup, bot, version: build.version, log });
    await server.listen(api);
    bot.setListening("api");
  }

  return {
    /** The config was read, or read again. Never rejects. */
    applied(next: Setup): Promise<void> {
      setup = next;
      changing = changing.then(change).catch((error: unknown) => {
        log.error("Programs cannot reach the bot", { error });
        bot.setListening("api", error instanceof Error ? error.message : String(error));
      });
      return changing;
    },
    /** Carries out a call of `barnacle mcp serve`. */
    async call(args: unknown): Promise<unknown> {
      const { answerProgram } = await import("./program_calls.ts");
      return await answerProgram(args, setup.config, bot);
    },
    /** Stops listening. Requests that wait for an answer get an error. */
    async close(): Promise<void> {
      await changing;
      await server?.close();
    },
  };
}
