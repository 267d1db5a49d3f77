/** A config that would open the HTTP server to other machines. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { describe, it } from "node:test";
import { ended, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { skipUnless } from "../../support/skip.ts";

/** 127.0.0.1 and ::1, as Linux writes them. */
const LOOPBACK = ["0100007F", "00000000000000000000000001000000"];

/** An address of this machine by which other machines reach it. */
const HERE = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === "IPv4")?.address;

/** State of a listening socket in Linux's table. */
const LISTEN = "0A";

/** The addresses on which a process listens, as Linux writes them: `"0100007F"`. */
function addressesOf(pid: number): readonly string[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed meanwhile
      }
    }),
  );
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8").split("\n").slice(1)
      .map((row) => row.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode = ""]) => state === LISTEN && sockets.has(inode))
      .map(([, local = ""]) => local.split(":")[0] ?? "")
  );
}

describe("[SEC-R30] the HTTP server's addresses", () => {
  const play = sharedBot({});

  it(
    "are those of loopback, by default",
    skipUnless(existsSync("/proc/net/tcp"), "no table of sockets"),
    () =>
      play(async ({ line }, bot) => {
        await line(bot, /"Barnacle is running"/);
        assert.ok(bot.pid !== undefined);
        const addresses = addressesOf(bot.pid);
        assert.ok(addresses.length > 0);
        assert.deepEqual(addresses.filter((one) => !LOOPBACK.includes(one)), []);
      }),
  );

  it(
    "are those of loopback for hooks, too",
    skipUnless(existsSync("/proc/net/tcp"), "no table of sockets"),
    () =>
      play(async ({ line, rewrite, user, simulator }, bot) => {
        const { id } = user("ada");
        rewrite({
          config: {
            http: { port: 0, hooks: { port: 0 } },
            hooks: { one: { to: `user:${id}`, secret: "s".repeat(32) } },
          },
        });
        await line(bot, /"Listening for hooks"/);
        assert.ok(bot.pid !== undefined);
        const addresses = addressesOf(bot.pid);
        assert.ok(addresses.length >= 2, addresses.join());
        assert.deepEqual(addresses.filter((one) => !LOOPBACK.includes(one)), []);
        assert.equal(simulator.account().connections, 1);
      }),
  );

  it("of hooks need a long secret also on loopback: the bot does not start", () =>
    withSimulation({}, async ({ rewrite, startBot, user }) => {
      const { id } = user("ada");
      const short = "s".repeat(31);
      const configs: readonly (readonly [config: object, words: RegExp])[] = [
        [{ hooks: { one: { to: `user:${id}`, secret: short } } }, /hooks\.one\.secret/],
      ];
      for (const [config, words] of configs) {
        rewrite({ config: { http: { port: 0 }, ...config } });
        const bot = startBot();
        assert.deepEqual(await ended(bot), { code: 78, signal: null });
        assert.match(bot.lines.join("\n"), words);
      }
    }));

  const refused: readonly (readonly [bind: string, token?: string])[] = [
    ["0.0.0.0"],
    ["::"],
    ["::ffff:0.0.0.0"],
    ["127.0.0.1.nip.io"],
    ["localhost"],
    ["0.0.0.0", "t".repeat(31)],
  ];
  it("are not opened to others without a long token: the bot does not start", () =>
    withSimulation({}, async ({ rewrite, startBot, simulator }) => {
      for (const [bind, token] of refused) {
        rewrite({ config: { http: { port: 0, bind, ...(token && { token }) } } });
        const bot = startBot();
        assert.deepEqual(await ended(bot), { code: 78, signal: null }, bind);
        assert.match(bot.lines.join("\n"), /http\.(?:bind|token)/);
      }
      assert.equal(simulator.account().connections, 0);
    }));

  it(
    "are those of loopback if the token has no value: others cannot connect",
    skipUnless(HERE !== undefined, "no network interface"),
    () =>
      withSimulation({
        config: { http: { port: 0, bind: "0.0.0.0", token: "${EMPTY}" } },
        env: { EMPTY: "" },
      }, async ({ start, line, ask }) => {
        const bot = await start();
        const port = /"http:\/\/[^/]+:(\d+)\/healthz"/.exec(
          await line(bot, /"Barnacle is running"/),
        )?.[1];
        assert.match(bot.lines.join("\n"), /Barnacle does not listen on \W+0\.0\.0\.0/);
        await assert.rejects(fetch(`http://${HERE}:${port}/livez`));
        assert.equal((await ask(bot, "/livez")).status, 200);
      }),
  );

  it("cause a warning if others reach them with the token", () =>
    withSimulation({
      config: { http: { port: 0, bind: "0.0.0.0", token: "t".repeat(32) } },
    }, async ({ start, line }) => {
      const bot = await start();
      await line(bot, /"Barnacle is running"/);
      assert.match(bot.lines.join("\n"), /"level":"warn".*http\.bind|warning: .*reach/);
    }));
});
