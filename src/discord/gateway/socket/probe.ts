/**
 * Knocks at the gateway: from the address to HELLO, and no further.
 *
 * It takes the way that the bot takes, proxy and certificates included, and
 * never identifies, so that it costs nothing of what Discord counts and can run
 * beside the bot.
 *
 * @module
 */

import type { HelloFound } from "../../../core/discord/gateway_hello.ts";
import type { Stage } from "../../../lib/network/reach.ts";
import type { Schedule } from "../../../lib/schedule.ts";
import { readFrame } from "./frame.ts";
import { openSocket } from "./socket.ts";
import { gatewayUrl } from "./wire.ts";

export interface ProbeOptions {
  /** As Discord names it. */
  readonly url: string;
  /** `"http://user:pw@host:3128"`, where the way leads through it. */
  readonly proxy?: string;
  /** Milliseconds to the 101, and again to HELLO. */
  readonly timeoutMs: number;
}

export interface ProbePorts {
  /** Milliseconds of a clock that is never set. */
  readonly elapsed: () => number;
  readonly schedule: Schedule;
}

/** An end that Discord takes for a normal one; there is no session that it could harm. */
const NORMAL_CLOSURE = 1000;

/** No dispatch comes before an IDENTIFY. */
const NO_TYPES: ReadonlySet<string> = new Set();

/** @throws {TypeError} If the address is none that a token may be sent to. */
export async function probeGateway(
  { url, proxy, timeoutMs }: ProbeOptions,
  { elapsed, schedule }: ProbePorts,
): Promise<Stage<HelloFound>> {
  const startedAt = elapsed();
  const { promise, resolve } = Promise.withResolvers<Stage<HelloFound>>();
  let openMs: number | undefined;
  let stopWaiting = () => {};
  const fail = (code: string) => resolve({ kind: "failed", ms: elapsed() - startedAt, code });

  const socket = openSocket({
    url: gatewayUrl(url, false),
    tcpKeepaliveSec: 0,
    connectTimeoutMs: timeoutMs,
    ...(proxy !== undefined && { proxy }),
  }, {
    onOpen() {
      openMs = elapsed() - startedAt;
      stopWaiting = schedule(() => fail("no HELLO in time"), timeoutMs);
    },
    onFrame(data) {
      const frame = readFrame(data.toString(), NO_TYPES);
      if (frame.kind !== "event" || frame.event.kind !== "hello" || openMs === undefined) {
        return fail("something else than HELLO");
      }
      const found = { openMs, heartbeatIntervalMs: frame.event.intervalMs };
      resolve({ kind: "ok", ms: elapsed() - startedAt, found });
    },
    onClose: ({ code, reason }) => fail(code === undefined ? reason : `${code} ${reason}`),
  });
  try {
    return await promise;
  } finally {
    stopWaiting();
    await socket.close(NORMAL_CLOSURE);
  }
}
