import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { ACCOUNT, guildId, messageId, userId } from "../../support/discord/builders.ts";
import { openTestStore } from "../../support/store/store.ts";
import type { NewChange } from "../../../src/store/changes/changes.ts";
import { sameData } from "../../support/same_data.ts";

const GUILD = guildId("100");
const change = (fields: Partial<NewChange> = {}): NewChange => ({
  accountId: ACCOUNT,
  callKey: "1:a",
  turnId: messageId("1"),
  askerId: userId("7"),
  guildId: GUILD,
  what: "delete the channel #krill",
  ...fields,
});

const UNDO = {
  does: "gives the role back",
  needs: ["Manage Roles"],
  requests: [{ method: "PUT", path: "/guilds/100/members/7/roles/9" }],
} as const;

describe("[T3] store.changes", () => {
  it("keeps the first row of a repeated call, which knows the state before", async () => {
    const { store: { changes } } = openTestStore();
    const first = await changes.begin(change({ undo: UNDO }), 5, 1_000);
    assert.deepEqual(await changes.begin(change({ what: "do more" }), 5, 2_000), first);
    sameData(first, { ...change({ undo: UNDO }), madeAt: 1_000, id: 1, isUndone: false });
  });

  it("refuses more changes of a turn than its maximum, but repeats those it has", async () => {
    const { store: { changes } } = openTestStore();
    assert.ok(await changes.begin(change(), 2, 1));
    assert.ok(await changes.begin(change({ callKey: "1:b" }), 2, 1));
    assert.equal(await changes.begin(change({ callKey: "1:c" }), 2, 1), undefined);
    assert.ok(await changes.begin(change({ callKey: "1:b" }), 2, 1));
    const later = change({ callKey: "2:a", turnId: messageId("2") });
    assert.ok(await changes.begin(later, 2, 1));
  });

  it("does not count a change that Discord refused", async () => {
    const { store: { changes } } = openTestStore();
    const made = await changes.begin(change(), 1, 1);
    assert.ok(made);
    await changes.refused(made.id);
    assert.ok(await changes.begin(change({ callKey: "1:b" }), 1, 1));
  });

  it("lists the changes of a server since a time, newest first", async () => {
    const { store: { changes } } = openTestStore();
    await changes.begin(change({ callKey: "old" }), 9, 1);
    await changes.begin(change({ callKey: "one" }), 9, 10);
    await changes.begin(change({ callKey: "other", guildId: guildId("200") }), 9, 11);
    const last = await changes.begin(change({ callKey: "two" }), 9, 12);
    assert.ok(last);
    await changes.undone(last.id, "2:a", 13);
    const keys = async (guild?: typeof GUILD) =>
      (await changes.since(ACCOUNT, guild, 10)).map(({ callKey, isUndone }) => [callKey, isUndone]);
    const ofTurn = async (account: typeof ACCOUNT) =>
      (await changes.ofTurn(account, last.turnId)).map((
        { callKey, isUndone },
      ) => [callKey, isUndone]);
    assert.deepEqual(await ofTurn(ACCOUNT), [
      ["old", false],
      ["one", false],
      ["other", false],
      ["two", true],
    ]);
    assert.deepEqual(await ofTurn(toAccountId("other")), []);
    assert.deepEqual(await keys(GUILD), [["two", true], ["one", false]]);
    assert.deepEqual(await keys(), [["two", true], ["other", false], ["one", false]]);
  });

  it("[T4] knows for whom a message was posted beside the outbox, for 60 days", async () => {
    const { store: { changes, inbox } } = openTestStore();
    const post = { accountId: ACCOUNT, messageId: messageId("5"), askerId: userId("7") };
    await changes.posted(post, 1_000);
    await changes.posted({ ...post, askerId: userId("8") }, 2_000);
    assert.equal(await inbox.askerOf(ACCOUNT, post.messageId), post.askerId);
    assert.equal(await inbox.askerOf(toAccountId("other"), post.messageId), undefined);
    assert.equal(await inbox.askerOf(ACCOUNT, messageId("6")), undefined);
    await changes.posted({ ...post, messageId: messageId("6") }, 1_001 + 60 * 86_400_000);
    assert.equal(await inbox.askerOf(ACCOUNT, post.messageId), undefined);
  });
});
