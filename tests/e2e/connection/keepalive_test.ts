/**
 * Whether the kernel itself probes the gateway's connection: what `ss` shows of
 * the program's own socket, not what an option was set to (G8).
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { onStage, type Scene } from "../../support/bot/e2e.ts";
import { skipUnless } from "../../support/skip.ts";

const HAS_SS = ["/usr/bin/ss", "/bin/ss", "/usr/sbin/ss"].some((path) => existsSync(path));

/** Seconds of keepalive timers; `ss` writes 6.98 s as `6.984ms`, and 30 s as `30sec`. */
const KEEPALIVE = /timer:\(keepalive,(\d+)(?:\.\d+)?(?:sec|ms),/g;

/** What `ss` shows of the bot's connections to the gateway. */
async function connectionsOf({ simulator: { gatewayUrl } }: Scene): Promise<string> {
  const port = `dport = :${new URL(gatewayUrl).port}`;
  const args = ["-tnoH", "state", "established", port];
  return (await promisify(execFile)("ss", args)).stdout;
}

/** Waits for a timer; while something was just sent, its retransmission has the place. */
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
  it("is kept alive every 30 s, as the kernel sees it", () =>
    onStage({}, async (scene) => {
      await scene.start();
      const seconds = await keepalive(scene);
      assert.ok(seconds > 20 && seconds <= 30, `${seconds}`);
    }));

  it("is kept alive as often as the config says", () =>
    onStage({ discord: () => ({ gateway: { tcpKeepaliveSec: 7 } }) }, async (scene) => {
      await scene.start();
      const seconds = await keepalive(scene);
      assert.ok(seconds <= 7, `${seconds}`);
    }));

  it("has no keepalive where the config wants none", () =>
    onStage({ discord: () => ({ gateway: { tcpKeepaliveSec: 0 } }) }, async (scene) => {
      await scene.start();
      let seen = "";
      await scene.eventually("an idle connection", async () => {
        seen = await connectionsOf(scene);
        return seen !== "" && !seen.includes("timer:(on");
      });
      assert.doesNotMatch(seen, /keepalive/);
    }));
});
