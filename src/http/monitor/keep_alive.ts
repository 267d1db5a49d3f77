/**
 * Keeps a host from suspending the bot by visiting its public address (O9).
 *
 * Free hosts suspend a program that had no visitor for some minutes, and a suspended bot misses
 * messages. So the bot visits itself, at the address under which the host sees visitors. An
 * unhealthy bot stops the visits, so that the host may suspend it.
 */

import { fetchPlain } from "../../lib/network/fetch_plain.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";

/** Milliseconds between two visits; the strictest of these hosts waits five minutes. */
const VISIT_EVERY_MS = 4 * 60_000;

const TIMEOUT_MS = 10_000;

/** Visits the bot until stopped. */
export function startKeepAlive(
  ports: {
    readonly schedule: StartTimer;
    readonly log: Log;
    /** The bot's own public address, `http.keepAliveUrl`. */
    readonly url: string;
    /** Requests an address and resolves with the status of the answer. */
    readonly visit: (url: URL, signal: AbortSignal) => Promise<number>;
    /** The state that `/livez` reports. */
    readonly isAlive: () => boolean;
  },
): { readonly stop: () => void } {
  const { isAlive, visit, schedule, log } = ports;
  const url = livezOf(ports.url);
  let ended = new AbortController();
  let isFailing = false;
  let isStopped = false;
  let cancel = schedule(tick, VISIT_EVERY_MS);

  function tick(): void {
    cancel = schedule(tick, VISIT_EVERY_MS);
    if (isAlive()) void visitOnce();
  }

  async function visitOnce(): Promise<void> {
    ended = new AbortController();
    const late = schedule(
      () => ended.abort(new Error(`No answer in ${TIMEOUT_MS / 1_000} s`)),
      TIMEOUT_MS,
    );
    try {
      const status = await visit(url, ended.signal);
      if (status >= 200 && status <= 299) works();
      else {fails({
          status,
          ...(status === 403 && { hint: `Set http.publicUrl to ${url.origin}` }),
        });}
    } catch (error) {
      fails({ error });
    } finally {
      late();
    }
  }

  function works(): void {
    if (isFailing) log.info("http.keepAliveUrl answers again");
    isFailing = false;
  }

  function fails(fields: Readonly<Record<string, unknown>>): void {
    if (isFailing || isStopped) return;
    isFailing = true;
    log.warn("http.keepAliveUrl does not answer as this bot; its host may suspend it", {
      url: url.href,
      ...fields,
    });
  }

  return {
    stop() {
      isStopped = true;
      cancel();
      ended.abort();
    },
  };
}

/** The path of `/livez` below the path of the address. */
function livezOf(base: string): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/livez`;
  return url;
}

/** Visits with the runtime's own HTTP client. */
export async function visitByFetch(url: URL, signal: AbortSignal): Promise<number> {
  const response = await fetchPlain(fetch, url, { signal });
  await response.body?.cancel();
  return response.status;
}
