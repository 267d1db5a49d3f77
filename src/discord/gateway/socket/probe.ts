/**
 * Checks whether the gateway can be reached, from the name look-up to HELLO.
 *
 * It connects as the bot does, proxy and certificates included. It never identifies, so it uses no
 * IDENTIFY and can run beside the bot.
 */

import type { HelloStage } from "../../../core/discord/gateway.ts";
import { meaningOf } from "../lifecycle/close_codes.ts";
import { gatewayUrl, readFrame } from "./frame.ts";
import { openSocket, type SocketClose } from "./socket.ts";
import { quoted } from "../../../lib/text/quoted.ts";
import type { StartTimer } from "../../../lib/clock.ts";

/** Close code for a normal end. There is no session that it could end. */
const NORMAL_CLOSURE = 1000;

const FOREIGN = "the first message is not HELLO: another server answers in its place";

/** Discord sends no dispatch before an IDENTIFY. */
const NO_TYPES: ReadonlySet<string> = new Set();

/**
 * Connects, waits for HELLO, and closes.
 *
 * @param url The gateway's URL as Discord reports it.
 * @param timeoutMs Milliseconds until the 101 response, and again until HELLO.
 * @throws {TypeError} If the token must not be sent to this URL.
 */
export async function probeGateway(
  { url, proxy, timeoutMs, userAgent }: {
    readonly url: string;
    readonly proxy?: string;
    readonly timeoutMs: number;
    readonly userAgent: string;
  },
  { elapsed, schedule }: {
    readonly schedule: StartTimer;
    /** Milliseconds of a monotonic clock. */
    readonly elapsed: () => number;
  },
): Promise<HelloStage> {
  const startedAt = elapsed();
  const { promise, resolve } = Promise.withResolvers<HelloStage>();
  let openMs: number | undefined;
  let stopWaiting = () => {};
  const since = () => elapsed() - startedAt;
  const fail = (code: string) => resolve({ kind: "failed", ms: since(), code });

  const socket = openSocket({
    url: gatewayUrl(url, false),
    tcpKeepaliveSec: 0,
    connectTimeoutMs: timeoutMs,
    userAgent,
    proxy,
  }, {
    onOpen() {
      openMs = since();
      stopWaiting = schedule(() => fail("HELLO did not come in time"), timeoutMs);
    },
    onBinary: () => fail(FOREIGN),
    onText(text) {
      const frame = readFrame(text, NO_TYPES);
      if (frame.kind !== "event" || frame.event.kind !== "hello" || openMs === undefined) {
        return fail(FOREIGN);
      }
      const found = { openMs, heartbeatIntervalMs: frame.event.intervalMs };
      resolve({ kind: "ok", ms: since(), found });
    },
    onClose(close) {
      fail(openMs === undefined ? close.reason : endOf(close));
    },
  });
  try {
    return await promise;
  } finally {
    stopWaiting();
    await socket.close(NORMAL_CLOSURE);
  }
}

function endOf({ code, reason }: SocketClose): string {
  if (code === undefined) return `the connection ended before HELLO (${reason})`;
  const text = reason === "" ? "" : `, ${quoted(reason)}`;
  return `closed before HELLO: ${code}, ${meaningOf(code).name}${text}`;
}
