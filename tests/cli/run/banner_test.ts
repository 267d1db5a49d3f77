import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Online } from "../../../src/bot.ts";
import { createBanner } from "../../../src/cli/run/run.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { userId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { recordingIo } from "../io.ts";

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
