import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { decide, list, revoke } from "../../../src/extras/access/pairing.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type { Judged } from "../../../src/core/inbound/inbox.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
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

/** A direct message that requests pairing. */
function pairingMessage(
  fields: { account?: string; name?: string; message?: string; id?: string } = {},
): Judged {
  const { account = "default", name = "mallory", message = "1400000000000000001" } = fields;
  const id = fields.id === undefined ? MALLORY : userId(fields.id);
  return {
    message: directMessage({
      id: messageId(message),
      accountId: toAccountId(account),
      channelId: channelId("1400000000000000077"),
      sender: sender({ id, username: name }),
    }),
    verdict: { kind: "challenge", why: "pairing", rule: "channels.discord.dm.policy" },
    route: ROUTE,
  };
}

async function asking(
  code = "ABCDEFGH",
  fields: Parameters<typeof pairingMessage>[0] = {},
  fixture: DataFixture = createDataFixture({ channels: { discord: {} } }),
): Promise<DataFixture> {
  const judged = pairingMessage(fields);
  const { accountId } = judged.message;
  const of = part(judged.message.id, { kind: "challenge" });
  const pairing = {
    newCode: () => code,
    newButton: () => `button-${Math.random()}`,
    challenge: () => [frozen({ accountId, nonce: `c-${code}`, of })],
  };
  await fixture.fill((store) =>
    store.inbox.acceptBatch(batch({ accountId, judged: [judged], pairing }), Date.now())
  );
  return fixture;
}

async function run(
  fixture: DataFixture,
  work: (flags: DataFixture["flags"], io: ReturnType<typeof recordingIo>) => Promise<number>,
  json = false,
) {
  const io = recordingIo();
  const code = await work({ ...fixture.flags, json }, io);
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
  it("shows code, name, id and expiry", async () => {
    const { code, out } = await run(await asking(), list);
    assert.equal(code, 0);
    assert.match(out, /^ABCDEFGH +mallory +700000000000000001 +asked just now, expires in 60 min$/);
  });

  it("shows paired users, with time and approver", async () => {
    const fixture = await asking();
    await approve(fixture, "ABCDEFGH");
    const { out, err } = await run(fixture, list);
    assert.match(out, /^paired +mallory +700000000000000001 +\d{4}-.* by cli$/);
    assert.match(err, /No open pairing requests/);
  });

  it("[O10] prints the same as JSON, without the ids of the buttons", async () => {
    const { out } = await run(await asking(), list, true);
    const { pending: [request] } = JSON.parse(out);
    assert.equal(request.code, "ABCDEFGH");
    assert.doesNotMatch(out, /button/);
  });

  it("[X2] reports a directory without a store, and creates none", async () => {
    const fixture = createDataFixture();
    const { code, out, err } = await run(fixture, list);
    assert.equal(code, 75);
    assert.equal(out, "");
    assert.match(err, /no store in .*; set --data/);
    assert.doesNotMatch(err, /No open pairing requests/);
    assert.equal(existsSync(join(fixture.data, DATABASE_NAME)), false);
  });

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

  it("uses the operator's texts", async () => {
    const fixture = await asking(
      "ABCDEFGH",
      {},
      createDataFixture({
        channels: { discord: {} },
        messages: { texts: { paired: "Komm herein." } },
      }),
    );
    await approve(fixture, "ABCDEFGH");
    assert.deepEqual((await told(fixture)).map(({ preview }) => preview), ["Komm herein."]);
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

  it("approves a code only once", async () => {
    const fixture = await asking();
    await approve(fixture, "ABCDEFGH");
    const { code, out } = await approve(fixture, "ABCDEFGH");
    assert.equal(code, 1);
    assert.equal(out, "");
    assert.equal((await told(fixture)).length, 1, "no one is told twice");
  });

  it("counts wrong codes, and locks after five", async () => {
    const fixture = await asking();
    for (const left of [4, 3, 2, 1]) {
      const { code, err } = await approve(fixture, "ZZZZZZZZ");
      assert.equal(code, 1);
      assert.match(err, new RegExp(`unknown code; ${left} more wrong`));
    }
    assert.match((await approve(fixture, "ZZZZZZZZ")).err, /approval is locked for a minute/);
    const { code, out, err } = await approve(fixture, "ABCDEFGH");
    assert.equal(code, 75, "not even the right one");
    assert.equal(out, "");
    assert.match(err, /too many wrong codes: approval is locked for \d+ s/);
    assert.deepEqual(await told(fixture), []);
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
    const wrong = await run(
      fixture,
      (flags, io) => decide("approve", { ...flags, account: "default" }, ["ZZZZZZZZ"], io),
    );
    assert.match(
      wrong.err,
      /; 4 more wrong/,
      "a right code of one account is no wrong attempt for another",
    );
  });

  it("accepts only codes of --account", async () => {
    const fixture = await asking();
    await asking("HGFEDCBA", { account: "work", message: "1400000000000000002" }, fixture);
    const io = recordingIo();
    assert.equal(
      await decide("approve", { ...fixture.flags, account: "work" }, ["ABCDEFGH"], io),
      1,
    );
    assert.deepEqual(await told(fixture), []);
  });

  it("[O10] exits with 2 for an account without data", async () => {
    const fixture = await asking();
    const io = recordingIo();
    assert.equal(await list({ ...fixture.flags, account: "wrok" }, io), 2);
    assert.deepEqual(io.stdout, []);
    assert.match(io.stderr.join("\n"), /no data of account "wrok"; accounts with data: default/);
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

  it("[O7] exits with 2 without a code, and with 78 on an invalid config", async () => {
    const fixture = await asking();
    assert.equal((await approve(fixture, "discord")).code, 2);
    fixture.write("{ nonsense");
    assert.equal((await approve(fixture, "ABCDEFGH")).code, 78);
    assert.deepEqual(await told(fixture), []);
  });

  it("[O10] prints the outcome as JSON", async () => {
    const { code, out } = await run(
      await asking(),
      (flags, io) => decide("approve", flags, ["ABCDEFGH"], io),
      true,
    );
    assert.equal(code, 0);
    assert.equal(JSON.parse(out).kind, "approved");
    assert.doesNotMatch(out, /button/);
  });

  it("[X2] reports a directory without a store, and creates none", async () => {
    const fixture = createDataFixture();
    const { code, err } = await approve(fixture, "ABCDEFGH");
    assert.equal(code, 75);
    assert.match(err, /no store in .*; set --data/);
    assert.equal(existsSync(join(fixture.data, DATABASE_NAME)), false);
  });
});

describe("[P3] barnacle pairing deny and revoke", () => {
  it("denies a request without a message to the user", async () => {
    const fixture = await asking();
    const { code, out } = await run(
      fixture,
      (flags, io) => decide("deny", flags, ["ABCDEFGH"], io),
    );
    assert.equal(code, 0);
    assert.match(out, /^Denied mallory \(700000000000000001\)/);
    assert.deepEqual(await told(fixture), []);
    assert.deepEqual(await fixture.fill((store) => store.pairing.paired(ACCOUNT)), []);
  });

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

  it("reports an unpaired user, and accepts no name", async () => {
    const fixture = await asking();
    assert.equal((await run(fixture, (flags, io) => revoke(flags, MALLORY, io))).code, 1);
    assert.equal((await run(fixture, (flags, io) => revoke(flags, "mallory", io))).code, 2);
  });
});
