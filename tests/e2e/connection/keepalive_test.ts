/**
 * Tests whether the kernel probes the gateway's connection, by `ss` on the program's own socket
 * instead of by the option's value (G8).
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import type { Scene } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { skipUnless } from "../../support/skip.ts";

const HAS_SS = ["/usr/bin/ss", "/bin/ss", "/usr/sbin/ss"].some((path) => existsSync(path));

/** Parses seconds of keepalive timers; `ss` writes 6.98 s as `6.984ms`, and 30 s as `30sec`. */
const KEEPALIVE = /timer:\(keepalive,(\d+)(?:\.\d+)?(?:sec|ms),/g;

/** The bot's connections to the gateway, as `ss` shows them. */
async function connectionsOf({ simulator: { gatewayUrl } }: Scene): Promise<string> {
  const port = `dport = :${new URL(gatewayUrl).port}`;
  const args = ["-tnoH", "state", "established", port];
  return (await promisify(execFile)("ss", args)).stdout;
}

/** Waits for a timer; right after a packet, `ss` shows the retransmission timer in its place. */
async function keepalive(scene: Scene): Promise<number> {
  let seconds: number | undefined;
  await scene.eventually("a keepalive", async () => {
    const found = [...(await connectionsOf(scene)).matchAll(KEEPALIVE)];
    seconds = found.length === 0
      ? undefined
      : Math.max(...found.map(([, digits]) => Number(digits)));
    return seconds !== undefined;
  });
  return seconds ?? 0;
}

describe("[G8] the gateway's socket", skipUnless(HAS_SS, "TCP keepalive: there is no ss"), () => {
  const play = sharedBot({});

  /** Waits until a new connection has replaced that with the earlier config. */
  const reconnected = ({ simulator, until }: Scene, count: number) =>
    until(
      "a new connection alone",
      () => simulator.account().connections === count && simulator.connected() === 1,
    );

  it("uses TCP keepalive every 30 s, as the kernel reports it", () =>
    play(async (scene) => {
      const seconds = await keepalive(scene);
      assert.ok(seconds > 20 && seconds <= 30, `${seconds}`);
    }));

  it("uses the keepalive interval of the config", () =>
    play(async (scene) => {
      await reconnected(scene, 2);
      const seconds = await keepalive(scene);
      assert.ok(seconds <= 7, `${seconds}`);
    }, { discord: () => ({ gateway: { tcpKeepaliveSec: 7 } }) }));
});
