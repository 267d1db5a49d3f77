/** Listens for programs, at addresses of its own (O14, SEC-R30). */

import type { Bot, Setup } from "../../bot.ts";
import type { SharedConfig } from "../../config/config.ts";
import { type HttpServer, startHttpServer } from "../../host/http_server.ts";
import { HttpServerError } from "../../host/http_server_error.ts";
import { createApi } from "./http/app.ts";
import { MAX_API_BODY_BYTES } from "./http/routes.ts";
import { schedule } from "../../lib/clock.ts";
import { createLoader } from "../../lib/loader.ts";
import { urlHostOf } from "../../lib/network/addresses.ts";
import type { Log } from "../../lib/log.ts";
import { programsOf } from "./programs.ts";

/** Milliseconds that a client may take to send its body. */
const REQUEST_MS = 15_000;
/** Milliseconds beside the longest wait, in which a client takes its answer. */
const SPARE_MS = 60_000;

/** Creates the server; it does not listen yet. */
export function createApiServer({ setup, bot, version, log }: {
  readonly setup: () => Setup;
  readonly bot: Pick<Bot, "calls">;
  readonly version: string;
  readonly log: Log;
}) {
  const mcp = createLoader(async () => {
    const { createMcp } = await import("./http/mcp.ts");
    return createMcp(version, {
      refused: (error) => log.debug("A request of MCP was refused", { error }),
      failed: (error) => log.error("A request of a program failed", { error }),
    });
  });
  const api = createApi({
    programs: () => programsOf(setup().config),
    hosts: () => setup().config.api.hosts,
    waitMs: () => setup().config.api.waitSec * 1_000,
    service: bot.calls,
    mcp: mcp.get,
    schedule,
    now: Date.now,
    log,
  });
  let server: HttpServer | undefined;
  let at = "";

  async function close(): Promise<void> {
    const ended = server;
    server = undefined;
    at = "";
    await ended?.close();
  }

  return {
    /**
     * Listens at the addresses of the config, unless it does already.
     *
     * @throws {HttpServerError} Then it does not listen.
     */
    async listen({ bind, port, waitSec }: SharedConfig["api"]): Promise<void> {
      const wanted = JSON.stringify({ bind, port, waitSec });
      if (wanted === at) return;
      await close();
      const tokens = programsOf(setup().config).map(({ token }) => token);
      const [shortest] = tokens.toSorted((one, other) => one.length - other.length);
      try {
        server = await startHttpServer({
          bind,
          port,
          token: shortest,
          bounds: {
            requestMs: REQUEST_MS,
            maxBodyBytes: MAX_API_BODY_BYTES,
            answersLarge: true,
            answerMs: waitSec * 1_000 + SPARE_MS,
          },
        }, api.fetch);
      } catch (error) {
        if (!(error instanceof HttpServerError)) throw error;
        const { kind, address, port } = error;
        const message = error.message.replaceAll("http.", "api.");
        throw new HttpServerError(message, { kind, address, port, cause: error });
      }
      at = wanted;
      const [address = "127.0.0.1"] = server.addresses;
      log.info("Programs can reach the bot", {
        url: `http://${urlHostOf(address)}:${server.port}/v1`,
        programs: programsOf(setup().config).map(({ program }) => program),
      });
    },
    close,
  };
}

export type ApiServer = ReturnType<typeof createApiServer>;
