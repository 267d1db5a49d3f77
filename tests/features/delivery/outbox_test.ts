import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { list, release } from "../../../src/features/delivery/outbox.ts";
import type { Store } from "../../../src/store/store.ts";
import { createDataFixture, removeDataFixtures } from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";
import { ACCOUNT, channelId } from "../../support/discord/builders.ts";
import { frozen } from "../../support/store/store.ts";

const CHANNEL = channelId("11");
afterEach(removeDataFixtures);

/** The flags of a command for an outbox that `fill` has filled. */
async function withRows(fill: (store: Store, now: number) => Promise<void>) {
  const fixture = createDataFixture();
  await fixture.fill((store) => fill(store, Date.now()));
  return fixture.flags;
}

type Fill = Parameters<typeof withRows>[0];

const holds = (content = "hello"): Fill => async ({ outbox }, now) => {
  const message = frozen({ nonce: "a", channelId: CHANNEL, content });
  const row = await outbox.add(message, now - 600_000);
  await outbox.markSending(row, now);
  await outbox.markUncertain(row, "unknown");
};

const LISTED: readonly (readonly [title: string, fill: Fill, ...lines: RegExp[]])[] = [
  [
    "[D2] shows held messages with target and age",
    holds(),
    /^ +1 +uncertain +10 min +channel:11 +"hello" +\(unknown\)$/,
  ],
  [
    "[R11] names the reason that keeps the bot from posting",
    async ({ outbox }, now) => {
      await outbox.add(frozen({ nonce: "a", channelId: CHANNEL }), now);
      const reason = "Send Messages is denied";
      await outbox.park(ACCOUNT, CHANNEL, { reason, now, nextTryAt: now });
    },
    /parked .*\(Send Messages is denied; next attempt is due\)$/,
  ],
  [
    "[D5] shows why a message waits, until when, and for which other one",
    async ({ outbox }, now) => {
      const row = await outbox.add(frozen({ nonce: "a", channelId: CHANNEL }), now);
      await outbox.add(frozen({ nonce: "b", channelId: CHANNEL }), now);
      await outbox.markSending(row, now);
      await outbox.markWaiting(row, "failed with 502", now + 250_000);
    },
    /sending .*\(failed with 502; next attempt in 4 min\)$/,
    /pending .*\(waits for message 1\)$/,
  ],
  [
    "[X1] keeps a message from moving the cursor or turning the line around",
    holds("a\u001b[2J\u202eb\nc"),
    /^[^\p{Cc}\u202e]+$/u,
  ],
];

describe("barnacle outbox list", () => {
  for (const [title, fill, ...lines] of LISTED) {
    it(title, async () => {
      const io = recordingIo();
      assert.equal(await list(await withRows(fill), io), 0);
      assert.equal(io.stdout.length, lines.length);
      lines.forEach((line, at) => assert.match(io.stdout[at] ?? "", line));
    });
  }

  it("[C6] lists the rows of every account, or of --account", async () => {
    const flags = await withRows(async ({ outbox }, now) => {
      for (const accountId of ["default", "work"].map(toAccountId)) {
        await outbox.add(frozen({ accountId, nonce: accountId, channelId: CHANNEL }), now);
      }
    });
    const all = recordingIo();
    await list(flags, all);
    assert.equal(all.stdout.length, 2);
    assert.match(all.stdout[0] ?? "", /^ +1 +default +pending/);
    assert.match(all.stdout[1] ?? "", /^ +2 +work +pending/);
    const one = recordingIo();
    await list({ ...flags, json: true, account: "WORK" }, one);
    const rows: readonly { readonly id: number; readonly accountId: string }[] = JSON.parse(
      one.stdout[0] ?? "",
    );
    assert.deepEqual(rows.map(({ id, accountId }) => [id, accountId]), [[2, "work"]]);
  });
});

describe("barnacle outbox resend and drop", () => {
  for (
    const [how, message, left] of [["resend", "queued again", "pending"], [
      "drop",
      "dropped",
      undefined,
    ]] as const
  ) {
    it(`[D2] ${how}s held messages`, async () => {
      const io = recordingIo();
      const flags = await withRows(holds());
      assert.equal(await release(how, flags, [1], io), 0);
      assert.match(io.stdout[0] ?? "", new RegExp(message));
      const after = recordingIo();
      await list({ ...flags, json: true }, after);
      assert.equal(JSON.parse(after.stdout[0] ?? "")[0]?.state, left);
      const unknown = recordingIo();
      assert.equal(await release(how, flags, [999], unknown), 1);
      assert.match(unknown.stderr.join("\n"), /`barnacle outbox list` shows them/);
    });
  }
});
