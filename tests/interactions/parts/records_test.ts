import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Store } from "../../../src/store/store.ts";
import { createForget, createWhy } from "../../../src/interactions/parts/records.ts";
import { messageId } from "../../support/discord/builders.ts";
import { callOf } from "../../support/discord/calls.ts";
import { testAccount } from "../../support/account.ts";

const ID = messageId("1450000000000000002");
const CALL = callOf("why");

function build(fields: object = {}, isOwner = false, turn?: object) {
  const decision = {
    accountId: CALL.accountId,
    authorId: CALL.sender.id,
    channelId: CALL.channelId,
    verdict: "ignore",
    why: "no-mention",
    rule: "channels.discord.guilds.*.requireMention",
    ...fields,
  };
  const record = { messageId: ID, decisions: [decision], outbox: [], turn };
  const received = { messageRecordOf: () => Promise.resolve(record) };
  return createWhy(
    { messages: received } as unknown as Pick<Store, "messages">,
    () => Promise.resolve(isOwner),
    () => Promise.resolve("✓ note 5 saved"),
  );
}

describe("[P1] [K2] createWhy()", () => {
  it("explains a message of the asker's in that channel", async () => {
    assert.match(
      String(await build()(CALL, ID)),
      /^\*\*ignore\*\*: It does not mention the bot.* \(`channels\.discord\.guilds\.\*\.requireMention`\)$/,
    );
  });

  for (const fields of [{ authorId: "1" }, { channelId: "1" }, { accountId: "other" }]) {
    const what = Object.keys(fields)[0];
    it(`tells nothing about a message with another ${what}`, async () => {
      assert.equal(await build(fields)(CALL, ID), undefined);
    });
  }

  it("[R15a] has the receipts of the message's turn", async () => {
    const told = await build({}, false, { state: "answered" })(CALL, ID);
    assert.match(String(told), /\nTurn: answered\nReceipts: ✓ note 5 saved$/);
  });

  it("explains every message of the account to an owner", async () => {
    assert.match(String(await build({ authorId: "1" }, true)(CALL, ID)), /^\*\*ignore/);
  });
});

describe("[X5] createForget()", () => {
  /** A store whose file cannot be written anew for some times. */
  function open(isDue: boolean, failures = 0) {
    const { account, clock, lines } = testAccount();
    const state = { isDue, failures, vacuums: 0 };
    const forgetting: Store["forgetting"] = {
      forget() {
        state.isDue = true;
        return Promise.resolve({ tables: {} });
      },
      isVacuumDue: () => Promise.resolve(state.isDue),
      vacuum() {
        state.vacuums++;
        if (state.failures-- > 0) return Promise.reject(new Error("busy"));
        state.isDue = false;
        return Promise.resolve();
      },
    };
    const forget = createForget({ ...account, store: { forgetting } }, () => Promise.resolve());
    const pass = async () => {
      clock.advance(60_000);
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { state, forget, pass, lines, clock };
  }

  it("writes the file anew a minute later, once for several people", async () => {
    const { state, forget, pass } = open(false);
    await Promise.all([forget(CALL.sender.id), forget(CALL.sender.id)]);
    await pass();
    assert.equal(state.vacuums, 1);
    await pass();
    assert.equal(state.vacuums, 1);
  });

  it("does it after a start if the process before ended too early", async () => {
    const { state, pass } = open(true);
    await pass();
    assert.deepEqual([state.vacuums, state.isDue], [1, false]);
    const idle = open(false);
    await idle.pass();
    assert.equal(idle.state.vacuums, 0);
  });

  it("tries again if another process reads the file, and tells it", async () => {
    const { state, pass, lines } = open(true, 2);
    for (let times = 0; times < 4; times++) await pass();
    assert.deepEqual([state.vacuums, state.isDue], [3, false]);
    assert.deepEqual(lines.map(({ level }) => level), ["warn", "warn"]);
  });
});
