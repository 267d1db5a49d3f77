import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { decide, list, revoke } from "../../../src/features/access/pairing.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import {
  ACCOUNT,
  channelId,
  directMessage,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { batch, frozen, part, ROUTE } from "../../support/store/store.ts";
import { createDataFixture, type DataFixture, removeDataFixtures } from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";

afterEach(removeDataFixtures);

const MALLORY = userId("700000000000000001");

const ASKS = {
  account: "default",
  name: "mallory",
  message: "1400000000000000001",
  id: `${MALLORY}`,
};

/** A store with the request of a direct message to be paired. */
async function asking(
  code = "ABCDEFGH",
  fields: Partial<typeof ASKS> = {},
  fixture: DataFixture = createDataFixture({ channels: { discord: {} } }),
): Promise<DataFixture> {
  const { account, name, message: of, id: by } = { ...ASKS, ...fields };
  const [accountId, id] = [toAccountId(account), messageId(of)];
  const from = {
    channelId: channelId("1400000000000000077"),
    sender: sender({ id: userId(by), username: name }),
  };
  const buttons = { approve: `yes-${Math.random()}`, deny: `no-${Math.random()}` };
  const messages = [frozen({ accountId, nonce: `c-${code}`, of: part(id, { kind: "challenge" }) })];
  const verdict = {
    kind: "challenge",
    why: "pairing",
    rule: "channels.discord.dm.policy",
  } as const;
  const message = directMessage({ id, accountId, ...from });
  const judged = { message, verdict, route: ROUTE, offer: { code, buttons, messages } };
  await fixture.fill((store) =>
    store.inbox.acceptBatch(batch({ accountId, judged: [judged] }), Date.now())
  );
  return fixture;
}

async function run(
  fixture: DataFixture,
  work: (flags: DataFixture["flags"], io: ReturnType<typeof recordingIo>) => Promise<number>,
) {
  const io = recordingIo();
  const code = await work(fixture.flags, io);
  return { code, out: io.stdout.join("\n"), err: io.stderr.join("\n") };
}

const approve = (fixture: DataFixture, ...words: string[]) =>
  run(fixture, (flags, io) => decide("approve", flags, words, io));

/** Messages in the outbox for the sender, besides the code. */
const told = (fixture: DataFixture) =>
  fixture.fill(async ({ outbox }) =>
    (await outbox.open(ACCOUNT)).filter(({ kind }) => kind === undefined)
  );

describe("[P3] barnacle pairing list", () => {
  it("[X1] keeps a name from moving the cursor", async () => {
    const { out } = await run(await asking("ABCDEFGH", { name: "\u001b[2Jm\u202e\n" }), list);
    assert.equal(out.split("\n").length, 1);
    assert.doesNotMatch(out, /[\p{Cc}\u202e]/u);
  });
});

describe("[P3] barnacle pairing approve", () => {
  it("shows id and name before and after, and notifies the user in the same transaction", async () => {
    const fixture = await asking();
    const { code, out, err } = await approve(fixture, "ABCDEFGH");
    assert.equal(code, 0);
    assert.equal(err, "Approving mallory (700000000000000001)");
    assert.match(out, /^Approved mallory \(700000000000000001\)/);
    const [row, ...others] = await told(fixture);
    assert.deepEqual(others, []);
    assert.equal(row?.preview, "You're approved. You can write to me now.");
    assert.equal(row?.channelId, "1400000000000000077");
  });

  it("accepts a code with spaces, in any case", async () => {
    assert.equal((await approve(await asking(), "discord", "ABCDEFGH")).code, 0);
    assert.equal((await approve(await asking(), "abcd-efgh")).code, 0);
    assert.equal((await approve(await asking(), "abcd", "efgh")).code, 0);
  });

  it("[S1] warns from the second user on of the shared conversation", async () => {
    const shared = { channels: { discord: {} }, session: { dmScope: "main" } };
    const first = await asking("ABCDEFGH", {}, createDataFixture(shared));
    assert.doesNotMatch((await approve(first, "ABCDEFGH")).err, /share one conversation/);
    const other = { id: "700000000000000002", name: "oscar", message: "1400000000000000002" };
    await asking("HGFEDCBA", other, first);
    const { err } = await approve(first, "HGFEDCBA");
    assert.match(err, /share one conversation.*config set session.dmScope auto/);
  });

  it("finds the account of a code, and counts no wrong attempt for others", async () => {
    const fixture = createDataFixture({
      channels: { discord: { accounts: { default: {}, work: {} } } },
    });
    await asking("ABCDEFGH", {}, fixture);
    await asking("HGFEDCBA", { account: "work", message: "1400000000000000002" }, fixture);
    assert.equal((await approve(fixture, "HGFEDCBA")).code, 0);
    const paired = await fixture.fill((store) => store.pairing.paired(toAccountId("work")));
    assert.deepEqual(paired.map(({ userId }) => userId), [MALLORY]);
    assert.deepEqual(await fixture.fill((store) => store.pairing.paired(ACCOUNT)), []);
    const guess = (code = "ZZZZZZZZ") =>
      run(fixture, (flags, io) => decide("approve", { ...flags, account: "default" }, [code], io));
    // A right code of one account is no wrong attempt for another.
    assert.match((await guess()).err, /; 4 more wrong/);
    for (let more = 0; more < 4; more++) await guess();
    const closed = await guess("ABCDEFGH");
    assert.deepEqual([closed.code, /locked for 60 s/.test(closed.err)], [75, true], closed.err);
  });

  it("[C5] needs none of the secrets that only the service has", async () => {
    const fixture = await asking();
    fixture.write({
      channels: { discord: { token: { file: "discord_token" } } },
      http: { bind: "0.0.0.0", token: "${NOT_HERE}" },
      preflight: { requiredVars: ["NOT_HERE"] },
    });
    assert.equal((await approve(fixture, "ABCDEFGH")).code, 0);
  });
});

describe("[P3] barnacle pairing deny and revoke", () => {
  for (const user of [MALLORY, `<@${MALLORY}>`, `user:${MALLORY}`]) {
    it(`unpairs ${user}`, async () => {
      const fixture = await asking();
      await approve(fixture, "ABCDEFGH");
      const { code, out } = await run(fixture, (flags, io) => revoke(flags, user, io));
      assert.equal(code, 0);
      assert.equal(out, "Unpaired mallory (700000000000000001)");
      assert.deepEqual(await fixture.fill((store) => store.pairing.paired(ACCOUNT)), []);
    });
  }
});
