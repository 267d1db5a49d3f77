import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AccountEvidence,
  type Evidence,
  judgeAbsence,
} from "../../../src/features/why/no_record.ts";
import { DAY_MS } from "../../../src/lib/clock.ts";
import { ACCOUNT, guildId } from "../../support/discord/builders.ts";

const NOW = Date.UTC(2026, 10, 20, 12);
const SENT = NOW - 60_000;
const GUILD = guildId("1400000000000000010");

function account(fields: Partial<AccountEvidence> = {}): AccountEvidence {
  return {
    accountId: ACCOUNT,
    intents: { guildMessages: true, directMessages: true },
    heardAt: NOW,
    guilds: [{ id: GUILD, name: "Friends", channels: new Set(["11"]) }],
    ...fields,
  };
}

/** No problem at all, but no record either. */
function evidence(fields: Partial<Evidence> = {}): Evidence {
  return {
    sentAt: SENT,
    now: NOW,
    runs: { wasRunning: true },
    accounts: [account()],
    place: { guildId: GUILD, channelId: "11" },
    decisionsDays: 30,
    dataDir: "/data",
    ...fields,
  };
}

const statusOf = (fields: Partial<Evidence>, id: string) =>
  judgeAbsence(evidence(fields)).filter((finding) => finding.id === id).map(({ status }) => status);

describe("[P1] judgeAbsence()", () => {
  it("always lists permission, other instances and message kinds, which leave no evidence", () => {
    const causes = judgeAbsence(evidence());
    assert.deepEqual(causes.filter(({ status }) => status === "fail"), []);
    assert.deepEqual(
      causes.filter(({ status }) => status === "warn").map(({ id }) => id),
      ["why.permission", "why.instance", "why.kind"],
    );
  });

  it("gives a fix for every problem", () => {
    for (const { status, fix, id } of judgeAbsence(evidence({ runs: { wasRunning: false } }))) {
      if (status === "fail") assert.ok(fix, id);
    }
  });

  const before = { aliveAt: SENT - 1_000, ending: "stopped" };
  const table: readonly (readonly [what: string, Partial<Evidence>, id: string, status: string])[] =
    [
      [
        "a run that is forgotten",
        { runs: { wasRunning: false, isForgotten: true, before } },
        "why.running",
        "warn",
      ],
      ["it ran", {}, "why.running", "pass"],
      ["it had stopped", { runs: { wasRunning: false, before } }, "why.running", "fail"],
      [
        "it was first started later",
        { runs: { wasRunning: false, after: { startedAt: NOW } } },
        "why.running",
        "fail",
      ],
      ["the id is of tomorrow", { sentAt: NOW + DAY_MS }, "why.id", "fail"],
      ["the gateway has received events since", {}, "why.gateway", "pass"],
      [
        "the gateway was lost before",
        { accounts: [account({ heardAt: SENT - DAY_MS })] },
        "why.gateway",
        "fail",
      ],
      [
        "a gap is still being read",
        { accounts: [account({ gapSince: SENT - 1 })] },
        "why.gateway",
        "warn",
      ],
      [
        "a gap began after it",
        { accounts: [account({ gapSince: SENT + 1 })] },
        "why.gateway",
        "pass",
      ],
      ["the guild is one of the bot's", {}, "why.guild", "pass"],
      [
        "the bot is not in the guild",
        { place: { guildId: guildId("5"), channelId: "11" } },
        "why.guild",
        "fail",
      ],
      [
        "the channel is not known",
        { place: { guildId: GUILD, channelId: "12" } },
        "why.guild",
        "warn",
      ],
      [
        "guild messages are not asked for",
        { accounts: [account({ intents: { guildMessages: false, directMessages: true } })] },
        "why.intents",
        "fail",
      ],
      [
        "direct messages are not asked for, and it was in a guild",
        { accounts: [account({ intents: { guildMessages: true, directMessages: false } })] },
        "why.intents",
        "pass",
      ],
      [
        "direct messages are not asked for, and it was one",
        {
          accounts: [account({ intents: { guildMessages: true, directMessages: false } })],
          place: { channelId: "11" },
        },
        "why.intents",
        "fail",
      ],
      ["it is older than the retention", { sentAt: NOW - 31 * DAY_MS }, "why.retention", "fail"],
      [
        "all is kept for ever",
        { sentAt: NOW - 31 * DAY_MS, decisionsDays: 0 },
        "why.retention",
        "pass",
      ],
    ];
  for (const [what, fields, id, status] of table) {
    it(`${status}: ${what}`, () => assert.deepEqual(statusOf(fields, id), [status]));
  }

  it("lists no guild for a direct message or an unknown place", () => {
    assert.deepEqual(statusOf({ place: { channelId: "11" } }, "why.guild"), []);
    assert.deepEqual(statusOf({ place: { channelId: "11" } }, "why.permission"), []);
  });

  it("judges each account", () => {
    const accounts = [account(), account({ guilds: [] })];
    assert.deepEqual(statusOf({ accounts }, "why.guild"), ["pass", "fail"]);
  });
});
