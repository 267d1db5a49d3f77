import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { decide, list, revoke } from "../../../src/cli/pairing/pairing.ts";
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
import { type DataHouse, dataHouse, removeHouses } from "../house_of_data.ts";
import { recordingIo } from "../io.ts";

afterEach(removeHouses);

const MALLORY = userId("700000000000000001");

/** A stranger's message, which asks to be let in. */
function stranger(
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
  fields: Parameters<typeof stranger>[0] = {},
  house: DataHouse = dataHouse({ channels: { discord: {} } }),
): Promise<DataHouse> {
  const judged = stranger(fields);
  const { accountId } = judged.message;
  const of = part(judged.message.id, { kind: "challenge" });
  const pairing = {
    newCode: () => code,
    newButton: () => `button-${Math.random()}`,
    challenge: () => [frozen({ accountId, nonce: `c-${code}`, of })],
  };
  await house.fill((store) =>
    store.inbox.acceptBatch(batch({ accountId, judged: [judged], pairing }), Date.now())
  );
  return house;
}

async function run(
  house: DataHouse,
  work: (flags: DataHouse["flags"], io: ReturnType<typeof recordingIo>) => Promise<number>,
  json = false,
) {
  const io = recordingIo();
  const code = await work({ ...house.flags, json }, io);
  return { code, out: io.stdout.join("\n"), err: io.stderr.join("\n") };
}

const approve = (house: DataHouse, ...words: string[]) =>
  run(house, (flags, io) => decide("approve", flags, words, io));

/** What the outbox has for the stranger, besides the code. */
const told = (house: DataHouse) =>
  house.fill(async ({ outbox }) =>
    (await outbox.open(ACCOUNT)).filter(({ kind }) => kind === undefined)
  );

describe("[P3] barnacle pairing list", () => {
  it("shows code, name, id and how long the code is good for", async () => {
    const { code, out } = await run(await asking(), list);
    assert.equal(code, 0);
    assert.match(out, /^ABCDEFGH +mallory +700000000000000001 +asked just now, good for 60 min$/);
  });

  it("shows who was let in, when and by whom", async () => {
    const house = await asking();
    await approve(house, "ABCDEFGH");
    const { out, err } = await run(house, list);
    assert.match(out, /^paired +mallory +700000000000000001 +\d{4}-.* by cli$/);
    assert.match(err, /Nobody waits/);
  });

  it("[O10] gives the same to programs, and what a button is known by to nobody", async () => {
    const { out } = await run(await asking(), list, true);
    const { pending: [request] } = JSON.parse(out);
    assert.equal(request.code, "ABCDEFGH");
    assert.doesNotMatch(out, /button/);
  });

  it("makes nothing where there is no store", async () => {
    const house = dataHouse();
    const { code, err } = await run(house, list);
    assert.equal(code, 0);
    assert.match(err, /Nobody waits/);
    assert.equal(existsSync(join(house.data, DATABASE_NAME)), false);
  });

  it("[X1] keeps a name from moving the cursor", async () => {
    const { out } = await run(await asking("ABCDEFGH", { name: "\u001b[2Jm\u202e\n" }), list);
    assert.equal(out.split("\n").length, 1);
    assert.doesNotMatch(out, /[\p{Cc}\u202e]/u);
  });
});

describe("[P3] barnacle pairing approve", () => {
  it("shows id and name before and after, and tells the person in the same transaction", async () => {
    const house = await asking();
    const { code, out, err } = await approve(house, "ABCDEFGH");
    assert.equal(code, 0);
    assert.equal(err, "mallory (700000000000000001) is to be let in");
    assert.match(out, /^mallory \(700000000000000001\) may write to the bot directly now/);
    const [row, ...others] = await told(house);
    assert.deepEqual(others, []);
    assert.equal(row?.preview, "You're approved. You can write to me now.");
    assert.equal(row?.channelId, "1400000000000000077");
  });

  it("takes it as the seed writes it, in lower case and in groups", async () => {
    assert.equal((await approve(await asking(), "discord", "ABCDEFGH")).code, 0);
    assert.equal((await approve(await asking(), "abcd-efgh")).code, 0);
    assert.equal((await approve(await asking(), "abcd", "efgh")).code, 0);
  });

  it("says it in the operator's words", async () => {
    const house = await asking(
      "ABCDEFGH",
      {},
      dataHouse({
        channels: { discord: {} },
        messages: { texts: { paired: "Komm herein." } },
      }),
    );
    await approve(house, "ABCDEFGH");
    assert.deepEqual((await told(house)).map(({ preview }) => preview), ["Komm herein."]);
  });

  it("[S1] says of the second person that they share a memory with the first", async () => {
    const first = await asking("ABCDEFGH");
    assert.doesNotMatch((await approve(first, "ABCDEFGH")).err, /share one memory/);
    const other = { id: "700000000000000002", name: "oscar", message: "1400000000000000002" };
    await asking("HGFEDCBA", other, first);
    assert.match((await approve(first, "HGFEDCBA")).err, /config set session.dmScope per-channel/);
  });

  it("works once", async () => {
    const house = await asking();
    await approve(house, "ABCDEFGH");
    const { code, out } = await approve(house, "ABCDEFGH");
    assert.equal(code, 1);
    assert.equal(out, "");
    assert.equal((await told(house)).length, 1, "nobody is told twice");
  });

  it("counts wrong codes, and closes after five of them", async () => {
    const house = await asking();
    for (const left of [4, 3, 2, 1]) {
      const { code, err } = await approve(house, "ZZZZZZZZ");
      assert.equal(code, 1);
      assert.match(err, new RegExp(`nobody waits with this code; ${left} more wrong`));
    }
    assert.match((await approve(house, "ZZZZZZZZ")).err, /no code is taken for a minute now/);
    const { code, out, err } = await approve(house, "ABCDEFGH");
    assert.equal(code, 75, "not even the right one");
    assert.equal(out, "");
    assert.match(err, /too many codes were wrong: none is taken for \d+ s more/);
    assert.deepEqual(await told(house), []);
  });

  it("takes the code of the account that gave it, and no other account's guess counts", async () => {
    const house = dataHouse({
      channels: { discord: { accounts: { default: {}, work: {} } } },
    });
    await asking("ABCDEFGH", {}, house);
    await asking("HGFEDCBA", { account: "work", message: "1400000000000000002" }, house);
    assert.equal((await approve(house, "HGFEDCBA")).code, 0);
    const paired = await house.fill((store) => store.pairing.paired(toAccountId("work")));
    assert.deepEqual(paired.map(({ userId }) => userId), [MALLORY]);
    assert.deepEqual(await house.fill((store) => store.pairing.paired(ACCOUNT)), []);
    const wrong = await run(
      house,
      (flags, io) => decide("approve", { ...flags, account: "default" }, ["ZZZZZZZZ"], io),
    );
    assert.match(wrong.err, /; 4 more wrong/, "what was right for one is not wrong for another");
  });

  it("looks at one account's codes only where one is named", async () => {
    const house = await asking();
    await asking("HGFEDCBA", { account: "work", message: "1400000000000000002" }, house);
    const io = recordingIo();
    assert.equal(await decide("approve", { ...house.flags, account: "work" }, ["ABCDEFGH"], io), 1);
    assert.deepEqual(await told(house), []);
  });

  it("[O10] ends with 2 where the store has nothing of the account that is named", async () => {
    const house = await asking();
    const io = recordingIo();
    assert.equal(await list({ ...house.flags, account: "wrok" }, io), 2);
    assert.deepEqual(io.stdout, []);
    assert.match(io.stderr.join("\n"), /nothing of an account wrok; it has: default/);
  });

  it("[C5] needs none of the secrets that only the service has", async () => {
    const house = await asking();
    house.write({
      channels: { discord: { token: { file: "discord_token" } } },
      http: { bind: "0.0.0.0", token: "${NOT_HERE}" },
      preflight: { requiredVars: ["NOT_HERE"] },
    });
    assert.equal((await approve(house, "ABCDEFGH")).code, 0);
  });

  it("[O7] ends with 2 without a code, and with 78 where the config is not right", async () => {
    const house = await asking();
    assert.equal((await approve(house, "discord")).code, 2);
    house.write("{ nonsense");
    assert.equal((await approve(house, "ABCDEFGH")).code, 78);
    assert.deepEqual(await told(house), []);
  });

  it("[O10] gives what came of it to programs", async () => {
    const { code, out } = await run(
      await asking(),
      (flags, io) => decide("approve", flags, ["ABCDEFGH"], io),
      true,
    );
    assert.equal(code, 0);
    assert.equal(JSON.parse(out).kind, "approved");
    assert.doesNotMatch(out, /button/);
  });

  it("makes nothing where there is no store", async () => {
    const house = dataHouse();
    const { code, err } = await approve(house, "ABCDEFGH");
    assert.equal(code, 1);
    assert.match(err, /there is no store yet/);
    assert.equal(existsSync(join(house.data, DATABASE_NAME)), false);
  });
});

describe("[P3] barnacle pairing deny and revoke", () => {
  it("turns somebody away, who is not told", async () => {
    const house = await asking();
    const { code, out } = await run(
      house,
      (flags, io) => decide("deny", flags, ["ABCDEFGH"], io),
    );
    assert.equal(code, 0);
    assert.match(out, /^mallory \(700000000000000001\) was turned away/);
    assert.deepEqual(await told(house), []);
    assert.deepEqual(await house.fill((store) => store.pairing.paired(ACCOUNT)), []);
  });

  for (const user of [MALLORY, `<@${MALLORY}>`, `user:${MALLORY}`]) {
    it(`makes a stranger of ${user}`, async () => {
      const house = await asking();
      await approve(house, "ABCDEFGH");
      const { code, out } = await run(house, (flags, io) => revoke(flags, user, io));
      assert.equal(code, 0);
      assert.equal(out, "mallory (700000000000000001) is a stranger again");
      assert.deepEqual(await house.fill((store) => store.pairing.paired(ACCOUNT)), []);
    });
  }

  it("says that somebody is not paired, and takes no name for a person", async () => {
    const house = await asking();
    assert.equal((await run(house, (flags, io) => revoke(flags, MALLORY, io))).code, 1);
    assert.equal((await run(house, (flags, io) => revoke(flags, "mallory", io))).code, 2);
  });
});
