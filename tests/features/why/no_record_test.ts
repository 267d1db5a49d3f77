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
  const gateway = (fields: Parameters<typeof account>[0]) => ({ accounts: [account(fields)] });
  const asking = (guildMessages: boolean) =>
    gateway({ intents: { guildMessages, directMessages: !guildMessages } });
  const runs = (more: object = {}) => ({ runs: { wasRunning: false, ...more } });
  const table: readonly (readonly [row: string, Partial<Evidence>])[] = [
    ["running warn: a run that is forgotten", runs({ isForgotten: true, before })],
    ["running pass: it ran", {}],
    ["running fail: it had stopped", runs({ before })],
    ["running fail: it was first started later", runs({ after: { startedAt: NOW } })],
    ["id fail: the id is of tomorrow", { sentAt: NOW + DAY_MS }],
    ["gateway pass: the gateway has received events since", {}],
    ["gateway fail: the gateway was lost before", gateway({ heardAt: SENT - DAY_MS })],
    ["gateway warn: a gap is still being read", gateway({ gapSince: SENT - 1 })],
    ["gateway pass: a gap began after it", gateway({ gapSince: SENT + 1 })],
    ["guild pass: the guild is one of the bot's", {}],
    ["guild fail: the bot is not there", { place: { guildId: guildId("5"), channelId: "11" } }],
    ["guild warn: the channel is not known", { place: { guildId: GUILD, channelId: "12" } }],
    ["intents fail: guild messages are not asked for", asking(false)],
    ["intents pass: direct messages are not, and it was in a guild", asking(true)],
    ["intents fail: and it was one", { ...asking(true), place: { channelId: "11" } }],
    ["retention fail: it is older than that", { sentAt: NOW - 31 * DAY_MS }],
    ["retention pass: all is kept", { sentAt: NOW - 31 * DAY_MS, decisionsDays: 0 }],
  ];
  for (const [row, fields] of table) {
    const [id = "", status] = row.split(/:? /);
    it(row, () => assert.deepEqual(statusOf(fields, `why.${id}`), [status]));
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
