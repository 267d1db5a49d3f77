import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { judgeAnswers } from "../../../src/features/diagnose/doctor_checks.ts";
import { extentText, factsIn } from "../../../src/features/diagnose/stored_facts.ts";
import { showUsage } from "../../../src/features/model/usage.ts";
import type { RecentTurn } from "../../../src/store/messages/messages.ts";
import { chargeOf, usedBy } from "../../../src/core/spending/budget.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { openStore } from "../../../src/store/store.ts";
import {
  ACCOUNT,
  guildMessage,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { accepted, batch } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { writeFileSync } from "node:fs";
import { GUILD, GUILD_SNAPSHOT, HELP } from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";

const NOW = Date.now();

/** A data directory in which ada's turn is answered, and grace's turn fails. */
async function fill(data: string): Promise<void> {
  const now = Date.now();
  const store = openStore(join(data, DATABASE_NAME), { now, elapsed: () => 0 });
  for (
    const [id, username, end] of [
      ["101", "ada", { kind: "answered" }],
      ["102", "grace", { kind: "failed", failureId: "f1", reason: "the model said 401" }],
    ] as const
  ) {
    const person = sender({ id: userId(`12345678901234${id}`), username });
    const message = guildMessage({ id: messageId(id), sender: person, text: "hello" });
    await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), now - 2_000);
    const claim = await store.inbox.claimNext(ACCOUNT, now, []);
    assert.ok(claim);
    await store.turns.finishTurn({ claim, end, entries: [], outbox: [] }, now);
    const usage = { inputTokens: 90, outputTokens: 10, micros: id === "101" ? 50_000 : undefined };
    store.usage.add([chargeOf(usage, "a/x", "answer", usedBy(message, "main"), 5, now)]);
  }
  store.close();
}

async function run(
  command: (flags: { data: string; config: string; json: boolean }) => Promise<number>,
  config: object = {},
) {
  using directory = tempDirectory();
  await fill(directory.path);
  const file = join(directory.path, "config.jsonc");
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return await command({ data: directory.path, config: file, json: false });
}

describe("[O3] judgeAnswers()", () => {
  const turn = (id: string, ms: number, state: RecentTurn["state"] = "answered") =>
    ({
      messageId: id,
      state,
      failure: state === "failed" ? `why ${id}` : undefined,
      acceptedAt: NOW - ms,
      finishedAt: NOW,
    }) as unknown as RecentTurn;
  const CASES: readonly (readonly [string, readonly RecentTurn[], RegExp, fix?: RegExp])[] = [
    ["nothing", [], /^0 in the last day, none failed$/],
    [
      "a failed turn, the newest first",
      [turn("c", 5), turn("b", 9, "failed"), turn("a", 9, "failed")],
      /^2 of 3 in the last day failed, the newest with: why b$/,
      /`barnacle why b`/,
    ],
    [
      "turns of the day before",
      [{ ...turn("a", 5, "failed"), finishedAt: NOW - 90_000_000 }],
      /^0 in the last day/,
    ],
  ];
  for (const [title, turns, why, fix] of CASES) {
    it(`judges ${title}`, () => {
      const finding = judgeAnswers(turns, NOW);
      assert.match(finding.why, why);
      assert.equal(finding.status, fix ? "warn" : "pass");
      if (fix) assert.match(finding.fix ?? "", fix);
    });
  }
});

describe("[L5] [X4] barnacle usage", () => {
  it("names people, the currency and the limits, and says where there is no price", async () => {
    const io = recordingIo();
    const budgets = {
      total: { tokensPerDay: 150, moneyPerMonth: 10 },
      perUser: { tokensPerDay: 400 },
    };
    const config = { budgets, models: { currency: "EUR" } };
    assert.equal(
      await run((flags) => showUsage({ ...flags, by: "user", days: 30 }, io), config),
      0,
    );
    const shown = io.stdout.join("\n");
    assert.match(shown, /^ada \(12345678901234101\) .* 0\.050 EUR /m);
    assert.match(shown, /^grace \(12345678901234102\) .* {2}no price {2}/m);
    assert.match(shown, /^Limit budgets\.total\.tokensPerDay: 200 of 150 tokens today, spent$/m);
    assert.match(
      shown,
      /moneyPerMonth: 0\.050 of 10\.00 EUR this month; 1 request without a price, 0 %$/m,
    );
    assert.match(
      shown,
      /perUser\.tokensPerDay \((?:ada|grace) \(\d+\)\): 100 of 400 tokens today, 25 %$/m,
    );
  });
});

describe("[L5] barnacle usage --by guild and --by channel", () => {
  for (const [by, label] of [["guild", "Friends of Barnacle"], ["channel", "#help"]] as const) {
    it(`names each ${by}`, async () => {
      const io = recordingIo();
      await run(async (flags) => {
        const store = openStore(join(flags.data, DATABASE_NAME), { now: NOW, elapsed: () => 0 });
        await store.gateway.saveIntents(ACCOUNT, 0); // the account has been online
        await store.inbox.acceptBatch(batch({ guilds: [GUILD_SNAPSHOT] }), NOW);
        const message = guildMessage({ channelId: HELP, guildId: GUILD });
        const usage = { inputTokens: 9, outputTokens: 1 };
        store.usage.add([chargeOf(usage, "a/x", "answer", usedBy(message, "main"), 5, NOW)]);
        store.close();
        return await showUsage({ ...flags, by, days: 30 }, io);
      });
      assert.ok(io.stdout.some((line) => line.startsWith(`${label} (`)), io.stdout.join("\n"));
    });
  }
});

describe("[O1] the stored facts of barnacle status", () => {
  it("show the budget first, and how many turns have failed since the last answer", async () => {
    const io = recordingIo();
    const facts: (readonly [string, string])[] = [];
    await run(async ({ data, config }) => {
      const store = openStore(join(data, DATABASE_NAME), { now: Date.now(), elapsed: () => 0 });
      facts.push(...await factsIn(store, config, io));
      store.close();
      return 0;
    }, {
      agents: { defaults: { model: "openai/gpt-99" } },
      budgets: { total: { tokensPerDay: 150, moneyPerMonth: 5 } },
      channels: { discord: { guilds: { [guildMessage().guildId ?? ""]: { slug: "den" } } } },
    });
    assert.deepEqual(facts.map(([what]) => what), [
      "Budget",
      "Budget",
      "Use",
      "Last answer",
      "Backup",
      "Servers",
      "Store",
    ]);
    assert.match(facts[0]?.[1] ?? "", /spent$/);
    assert.match(facts[1]?.[1] ?? "", /this limit does not count openai\/gpt-99/);
    assert.match(facts[3]?.[1] ?? "", /ago, discord:den#.*, after 2\.0 s; 1 failed since/);
    assert.equal(facts[4]?.[1], "none yet");
    assert.equal(facts[5]?.[1], "not known before the first start");
  });
});

describe("[X6] extentText()", () => {
  const MIB = 2 ** 20;
  const CASES: readonly (readonly [Parameters<typeof extentText>[0], text: string])[] = [
    [{ bytes: MIB / 2, freeBytes: 0 }, "524.3 kB"],
    [{ bytes: 412.4 * MIB, freeBytes: 30 * MIB }, "432.4 MB, 31.5 MB of it free"],
    [
      { bytes: 2 * MIB, freeBytes: 1, oldestMessageAt: Date.UTC(2026, 0, 31) },
      "2.1 MB; oldest message of 2026-01-31 (1 day)",
    ],
    [
      {
        bytes: 2 * MIB,
        freeBytes: 0,
        oldestMessageAt: Date.UTC(2025, 1, 1),
        oldestDecisionAt: Date.UTC(2026, 1, 1, 5),
      },
      "2.1 MB; oldest message of 2025-02-01 (365 days); oldest decision of 2026-02-01 (today)",
    ],
    [
      { bytes: MIB, freeBytes: 0, oldestDecisionAt: Date.UTC(2026, 1, 9) }, // the clock was set back
      "1 MB; oldest decision of 2026-02-09 (today)",
    ],
  ];
  for (const [extent, text] of CASES) {
    it(`writes ${text}`, () => assert.equal(extentText(extent, Date.UTC(2026, 1, 1, 9)), text));
  }
});
