import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { createBanner, endingOf, logWait } from "../../../src/cli/run/run.ts";
import { recordingLog } from "../../support/recording_log.ts";
import type { Online } from "../../../src/bot.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { userId } from "../../support/discord/builders.ts";
import { recordingIo } from "../io.ts";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { createHangups } from "../../../src/cli/run/hangup.ts";

describe("[O7] endingOf()", () => {
  const rows:
    readonly (readonly [end: Parameters<typeof endingOf>[0], code: number, says: RegExp])[] = [
      [{ kind: "signal", signal: "SIGTERM" }, 0, /^Stopping$/],
      [{ kind: "refused", hint: "make a new one" }, 77, /refused/],
      [
        { kind: "give_up", exit: true },
        75,
        /channels\.discord\.gateway\.reconnect\.exitOnGiveUp.*run `barnacle doctor`/,
      ],
      [{ kind: "worker_died", deaths: 4 }, 75, /start Barnacle again, .* lines above$/],
      [{ kind: "fault", error: new TypeError("ours") }, 1, /^internal error.*: .*ours/],
    ];
  for (const [end, code, says] of rows) {
    it(`exits with ${code} after ${end.kind}, and logs why`, () => {
      const { log, lines } = recordingLog();
      assert.equal(endingOf(end, log), code);
      assert.equal(lines.length, 1);
      assert.match(lines[0]?.event ?? "", says);
    });
  }
});

describe("[G12] logWait()", () => {
  it("logs running turns and unsent answers, and how to leave at once", () => {
    const { log, lines } = recordingLog();
    logWait({ turns: 1, unsent: 2 }, 20, log);
    assert.match(
      lines[0]?.event ?? "",
      /^Waiting for running turns .*second signal, such as Ctrl\+C/,
    );
    assert.deepEqual(lines[0]?.fields, { turns: 1, unsent: 2, atMostSec: 20 });
  });

  it("logs nothing if nothing is open", () => {
    const { log, lines } = recordingLog();
    logWait({ turns: 0, unsent: 0 }, 20, log);
    assert.deepEqual(lines, []);
  });
});

const ONLINE: Online = {
  accountId: toAccountId("default"),
  bot: { userId: userId("12"), username: "Krill" },
  guilds: ["Krill Co", "Fr\u202eiends\n"],
  models: ["openai/gpt-5"],
};
const FACTS = { version: "1.0.0", config: "/etc/barnacle/config.jsonc", data: "/var/lib/barnacle" };
const HTTP = "http://127.0.0.1:8787";

function announce(online: Online, isForPeople: boolean) {
  const { log, lines } = recordingLog();
  const io = recordingIo();
  createBanner(FACTS, isForPeople, { log, io })(online, HTTP);
  return { lines, stderr: io.stderr };
}

describe("[O2] createBanner()", () => {
  it("logs one event with bot, guilds, model, config, data and health", () => {
    const { lines, stderr } = announce(ONLINE, false);
    assert.deepEqual(stderr, []);
    assert.deepEqual(lines, [{
      level: "info",
      event: "The bot is ready",
      fields: {
        accountId: "default",
        bot: "Krill",
        botId: "12",
        guilds: 2,
        guildNames: ["Krill Co", "Fr\\u{202e}iends\\u{a}"],
        model: "openai/gpt-5",
        config: "/etc/barnacle/config.jsonc",
        data: "/var/lib/barnacle",
        health: "http://127.0.0.1:8787/healthz",
        version: "1.0.0",
      },
    }]);
  });

  it("prints a few lines on a terminal", () => {
    const { lines, stderr } = announce(ONLINE, true);
    assert.deepEqual(lines, []);
    assert.deepEqual(stderr, [
      "Krill is ready, Barnacle 1.0.0",
      "  guilds  2: Krill Co, Fr\\u{202e}iends\\u{a}",
      "  model   openai/gpt-5",
      "  config  /etc/barnacle/config.jsonc",
      "  data    /var/lib/barnacle",
      "  health  http://127.0.0.1:8787/healthz",
    ]);
  });

  it("names five guilds at most, and how to get a first one", () => {
    const many = { ...ONLINE, guilds: ["a", "b", "c", "d", "e", "f", "g"] };
    assert.ok(announce(many, true).stderr.includes("  guilds  7: a, b, c, d, e and 2 more"));
    const none = announce({ ...ONLINE, guilds: [] }, true).stderr;
    assert.match(none.join("\n"), /guilds {2}none; `barnacle invite`/);
  });

  it("names an account of several", () => {
    const [first = ""] = announce({ ...ONLINE, accountId: toAccountId("work") }, true).stderr;
    assert.match(first, /^Krill is ready \(account work\), /);
  });
});

/** Sends this process a SIGHUP, and waits until it has arrived. */
async function hangUp(): Promise<void> {
  let hasCome = false;
  process.once("SIGHUP", () => void (hasCome = true));
  process.kill(process.pid, "SIGHUP");
  for (let looks = 0; !hasCome && looks < 500; looks++) await sleep(10); // a signal handler does not keep the event loop alive
  assert.ok(hasCome);
}

describe("[C9] createHangups()", () => {
  afterEach(() => void process.removeAllListeners("SIGHUP"));

  it("calls at each SIGHUP, and keeps the process alive once it is stopped", async () => {
    let calls = 0;
    const stop = createHangups().onHangup(() => void calls++);
    await hangUp();
    await hangUp();
    assert.equal(calls, 2);
    stop();
    await hangUp();
    assert.equal(calls, 2);
  });

  it("remembers a SIGHUP from before the first listener", async () => {
    const hangups = createHangups();
    await hangUp();
    await hangUp();
    let calls = 0;
    hangups.onHangup(() => void calls++);
    assert.equal(calls, 1); // one read is enough
  });
});
