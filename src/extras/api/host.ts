/**
 * Runs the API for programs while the config has some (O14).
 *
 * Its code is loaded with the first program of the config. Without one, nothing listens.
 */

import type { Setup } from "../../bot.ts";
import type { Served, ServedPart } from "../../cli/extras/served_part.ts";
import type { ApiServer } from "./server.ts";

/** Creates it; loads nothing. */
export function serveApi({ bot, setup: first, build, logging }: Served): ServedPart {
  const log = logging.forPart("http");
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
    applied(next) {
      setup = next;
      changing = changing.then(change).catch((error: unknown) => {
        log.error("Programs cannot reach the bot", { error });
        bot.setListening("api", error instanceof Error ? error.message : String(error));
      });
      return changing;
    },
    methods: {
      /** Carries out a call of `barnacle mcp serve`. */
      async "api.call"(args) {
        const { answerProgram } = await import("./program_calls.ts");
        return await answerProgram(args, setup.config, bot);
      },
    },
    /** Stops listening. Requests that wait for an answer get an error. */
    async end() {
      await changing;
      await server?.close();
    },
  };
}
