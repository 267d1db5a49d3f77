/** Plays events of hooks about a person with a whole account; then the person is forgotten. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wakes } from "../../../src/account/per_account.ts";
import { hooks } from "../../../src/features/hooks/feature.ts";
import "../../../src/features/hooks/runner.ts"; // loaded on first use
import { SELF, testAccount } from "../../support/bot/test_account.ts";
import { ACCOUNT, userId } from "../../support/discord/builders.ts";
import { CHANNEL, GUILD, guildData, messageData } from "../../support/discord/payloads.ts";
import { startFeatures, stopFeatures } from "../../../src/account/features.ts";

const BOB = { id: "1900000000000000002", username: "bobsmith", discriminator: "0" };
const CHANNEL_DATA = { id: CHANNEL, type: 0, name: "ops", guild_id: GUILD };
const WORD = "bobword7end";

describe("[X5] [W5] words of a forgotten person in events of a hook", () => {
  for (const model of [false, true]) {
    for (const thread of [undefined, "{{ key }}"]) {
      it(`are nowhere, ${model ? "with" : "without"} a model${thread ? ", in a thread" : ""}`, async () => {
        const secret = "s".repeat(32);
        const hook = { to: `channel:${CHANNEL}`, secret, model, thread, perMinute: 6 };
        const scene = await testAccount({
          discord: { guilds: { [GUILD]: {} } },
          beside: { hooks: { h: { ...hook, template: "{{ text }}" } } },
          features: [hooks],
          answer: ({ method, path }) => {
            if (method !== "GET") return undefined;
            if (path === `/guilds/${GUILD}/channels`) return [CHANNEL_DATA];
            if (path === `/channels/${CHANNEL}`) return CHANNEL_DATA;
            if (path === `/guilds/${GUILD}`) return { id: GUILD, owner_id: SELF.userId, roles: [] };
            const [, id] = /\/members\/(\d+)$/.exec(path) ?? [];
            return id && { user: { id, username: "a" }, roles: [] };
          },
          says: (asked) => asked,
        });
        const { account, store, rows } = scene;
        await scene.receive("GUILD_CREATE", guildData());
        startFeatures(account);
        await scene.receive("MESSAGE_CREATE", messageData({ author: BOB, content: "hello" }));
        const text = `${BOB.username} wrote ${WORD}`;
        const key = thread ? "issue 7" : "";
        const event = { hook: "h", key, title: text, text, post: text, isEnd: false };
        await store.hooks.accept({ ...event, accountId: ACCOUNT }, account.now(), 1);
        wakes(account).hooks();
        for (let n = 0; n < 6; n++) await scene.pass(10_000);
        assert.equal(rows("SELECT 1 FROM outbox").length, model && thread ? 2 : 1);
        const about = { ...event, title: "", text: WORD, post: WORD, sources: [BOB.id, "99"] };
        await store.hooks.accept({ ...about, accountId: ACCOUNT }, account.now(), 2);
        const dump = () =>
          rows("SELECT name FROM pragma_table_list WHERE schema = 'main'").flatMap(({ name }) => {
            const all = JSON.stringify(rows(`SELECT * FROM "${name}"`));
            return all.includes(WORD) || all.includes(BOB.username) ? [String(name)] : [];
          });
        assert.ok(dump().includes("outbox"), "it was posted");
        await store.forgetting.forget(userId(BOB.id), false);
        assert.deepEqual(dump(), []);
        await stopFeatures(account);
      });
    }
  }
});
