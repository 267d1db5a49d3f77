/**
 * Listens for events of other programs while the config has hooks (W1). Without one, no address is
 * open, and no code of hooks is loaded.
 */

import type { Setup } from "../../bot.ts";
import type { Served, ServedPart } from "../../cli/run/served_parts.ts";
import { HOOK_BODY_BYTES } from "../../core/hooks/hook.ts";
import type { HttpServer } from "../../host/http_server.ts";
import { urlHostOf } from "../../lib/network/addresses.ts";
import { schedule } from "../../lib/clock.ts";

/** A burst of senders may have many connections, but few bodies. */
const CONNECTIONS = { total: 512, perAddress: 256, keptForLoopback: 64 };
/** The default of `http.hooks.port`. */
const PORT = 8_788;
/** A body of 1 MiB over a slow line. */
const REQUEST_MS = 15_000;
/** Milliseconds until the bot tries again to listen: another program may have ended. */
const RETRY_MS = 60_000;

/** Creates it; loads nothing. */
export function createHookHost(served: Served): ServedPart {
  const { bot } = served;
  const log = served.logging.forPart("hooks");
  let { setup }: { setup: Setup } = served;
  let server: HttpServer | undefined;
  let listensOn: string | undefined;
  let problem: string | undefined;
  let cancel: (() => void) | undefined;
  let last = Promise.resolve();

  async function open(): Promise<HttpServer> {
    const [{ startHttpServer }, { createHookReceiver }] = await Promise.all([
      import("../../host/http_server.ts"),
      import("./receiver.ts"),
    ]);
    const { bind, port = PORT } = setup.config.http.hooks ?? {};
    const bounds = {
      requestMs: REQUEST_MS,
      maxBodyBytes: HOOK_BODY_BYTES,
      answersLarge: true as const,
      limits: CONNECTIONS,
    };
    const rules = { bind, port, isOpen: true, section: "http.hooks", bounds } as const;
    return await startHttpServer(rules, createHookReceiver(served, () => setup));
  }

  async function update(): Promise<void> {
    const { hooks = {}, http } = setup.config;
    const wanted = Object.keys(hooks).length > 0 ? JSON.stringify(http.hooks ?? {}) : undefined;
    if (wanted === listensOn && problem === undefined) return;
    cancel?.();
    await server?.close();
    server = undefined;
    listensOn = wanted;
    if (wanted === undefined) return failed(undefined);
    try {
      server = await open();
      const address = `${urlHostOf(server.addresses[0] ?? "127.0.0.1")}:${server.port}`;
      failed(undefined);
      log.info("Listening for hooks", {
        address: `http://${address}/hooks/`,
        hooks: Object.keys(hooks),
      });
    } catch (error) {
      listensOn = undefined; // the next attempt differs
      cancel = schedule(() => void change(update), RETRY_MS);
      const why = error instanceof Error ? error.message : String(error);
      if (problem !== why) {
        log.error("Cannot listen for hooks: no event arrives; will try again", { error });
      }
      failed(why);
    }
  }

  function failed(why: string | undefined): void {
    problem = why;
    bot.setListening("http.hooks", why);
  }

  const close = () =>
    change(async () => {
      cancel?.();
      await server?.close();
    });
  const change = (work: () => Promise<void>): Promise<void> => last = last.then(work, work);
  return {
    applied(next) {
      setup = next;
      return change(update);
    },
    leave: close, // an event that is not stored is sent again
    close,
  };
}
