import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Schedule } from "../../../src/features/schedules/store.ts";
import type { CallEffect } from "../../../src/core/turn/tool.ts";
import { remind } from "../../../src/features/schedules/tool.ts";
import {
  channelId,
  directMessage,
  guildId,
  guildMessage,
  guildPlace,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { discordWith, GUILD, STAFF } from "../../support/discord/guild.ts";
import { OWNER, testAccount } from "../../support/bot/test_account.ts";
import { toolContext } from "../../support/model/tools.ts";

const asked = guildMessage({ text: "remind me of https://a.example/x?y=1" });
const byOwner = guildMessage({ sender: sender({ id: OWNER }) });

async function build() {
  const scene = await testAccount({
    discord: { guilds: { [GUILD]: {} } },
    beside: { agents: { defaults: { timezone: "Europe/Vienna" } } },
    answer: discordWith({}),
  });
  const { account } = scene;
  let calls = 0;
  const noted: Partial<CallEffect>[] = [];
  const run = (written: unknown, message = asked) =>
    remind.run(
      remind.input.parse(written),
      toolContext({
        ...{ account, message, callKey: `call ${calls++}` },
        noteEffect: (parts) => void noted.push(parts),
      }),
    );
  const create = async (
    fields: object = {},
    message = asked,
  ): Promise<Schedule & { readonly next?: string }> => {
    const set = await run({ action: "create", when: "2h", text: "tea", ...fields }, message);
    return JSON.parse(set.replace(/^Set: /, ""));
  };
  return { ...scene, run, create, noted };
}

describe("[T12] remind", () => {
  it("names the local time of what it has set", async () => {
    const { create } = await build();
    assert.equal((await create()).next, "Thu 2026-01-01 03:00 (Europe/Vienna, GMT+01:00)");
    assert.equal((await create({ task: true })).kind, "task");
  });

  it("[R15a] notes for its receipt which one it has set, and when it is due", async () => {
    const { run, create, noted } = await build();
    await create();
    await create({ task: true });
    await run({ action: "delete", id: 1 });
    await run({ action: "delete", id: 1 });
    const links = ["<t:1767232800:f>"];
    assert.deepEqual(noted, [
      { object: "reminder 1", links },
      { object: "task 2", links },
      { did: "not there" },
    ]);
  });

  it("repeats only for owners", async () => {
    const { create } = await build();
    await assert.rejects(create({ when: "0 9 * * 1" }), /only an owner/);
    const { cron, next } = await create({ when: "0 9 * * 1" }, byOwner);
    assert.equal(cron, "0 9 * * 1");
    assert.match(next ?? "", /^Mon 2026-01-05 09:00/);
  });

  it("tells why a time cannot be used", async () => {
    const { create, run } = await build();
    await assert.rejects(create({ when: "yesterday" }), /cannot be read: write a local/);
    await assert.rejects(run({ action: "create" }), /needs `when` and `text`/);
    await assert.rejects(run({ action: "delete" }), /needs `id`/);
  });

  it("[T5] takes no identity", () => {
    const input = { action: "create", when: "2h", text: "tea", user: "1" };
    assert.equal(remind.input.safeParse(input).success, false);
  });

  it("lists and deletes only one's own", async () => {
    const { run, create } = await build();
    const { id } = await create();
    const other = guildMessage({ sender: sender({ id: userId("222222222222222222") }) });
    assert.match(await run({ action: "list" }, other), /no reminders/);
    assert.match(await run({ action: "delete", id }, other), /no reminder or task/);
    assert.match(await run({ action: "list" }), /"text":"tea"/);
    assert.equal(await run({ action: "delete", id }), `Deleted number ${id}.`);
    assert.match(await run({ action: "list" }), /no reminders/);
  });

  it("[SEC-R4] shows those of direct messages and of other guilds in no guild", async () => {
    const { run, create } = await build();
    const place = guildPlace({ guild: { id: guildId("1400000000000000099"), name: "Other" } });
    await create({ text: "private" }, directMessage());
    await create({ text: "elsewhere" }, guildMessage({ place }));
    assert.match(await run({ action: "list" }), /no reminders/);
    const inDirect = await run({ action: "list" }, directMessage());
    assert.match(inDirect, /private/);
    assert.match(inDirect, /elsewhere/);
  });

  it("[SEC-R4] shows words only where all readers may read their channel", async () => {
    const { run, create } = await build();
    const { id } = await create({ text: "codeword" }, guildMessage({ channelId: STAFF }));
    const list = await run({ action: "list" });
    assert.match(list, new RegExp(`"id":${id},.*"channel":"<#${STAFF}>"`));
    assert.doesNotMatch(list, /codeword/);
    assert.match(await run({ action: "list" }, directMessage()), /codeword/);
    assert.match(await run({ action: "delete", id }), /^Deleted/);
  });

  it("[SEC-R7] keeps a link only if the asker wrote it", async () => {
    const { create } = await build();
    const text = "see https://a.example/x?y=1 and https://evil.example/?k=1 hunter2";
    const kept = (await create({ text })).text;
    assert.match(kept, /https:\/\/a\.example\/x\?y=1/);
    assert.match(kept, /<https:\/\/evil\.example\/\?k=1> \[redacted\]/);
    assert.match(kept, /\[redacted\]/);
  });

  it("sets nothing within a scheduled task, so that none multiplies", async () => {
    const scheduled = guildMessage({
      id: messageId("1400000000000000500"),
      channelId: channelId("1400000000000000011"),
      origin: { kind: "schedule", scheduleId: 1, dueAt: 1 },
    });
    const { create } = await build();
    await assert.rejects(create({}, scheduled), /a scheduled task may set no reminders/);
  });
});
