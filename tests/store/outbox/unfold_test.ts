import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nonceOf } from "../../../src/core/outbound/nonce.ts";
import type { OutboundMessage } from "../../../src/core/outbound/outbound.ts";
import { createOutbox } from "../../../src/store/outbox/outbox.ts";
import { prepareAddToOutbox } from "../../../src/store/outbox/rows.ts";
import { createUngroupedTransactions } from "../../../src/store/database/transact.ts";
import { ACCOUNT, channelId, messageId } from "../../support/discord/builders.ts";
import { openDatabase } from "../../support/store/open_database.ts";
import { frozen, part } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const HERE = channelId("1400000000000000005");
const FILE = { name: "answers.md", bytes: new Uint8Array(3) };
const withoutFile = (message: OutboundMessage) => ({ ...message, content: "without its file" });

/** Two folds: `a` and `b` in the first; the first, `c` and `d` in the second. `e` waits behind. */
function setUp() {
  const database = openDatabase();
  const outbox = createOutbox(createUngroupedTransactions(database));
  const add = prepareAddToOutbox(database);
  const plain = (cause: string, files: readonly (typeof FILE)[] = []) => {
    const message = { nonce: cause, content: cause, channelId: HERE, of: part(messageId(cause)) };
    return frozen(message, { files });
  };
  const fold = (cause: string) => {
    const of = part(messageId(cause), { kind: "folded" });
    const message = { nonce: nonceOf(of, 0), content: `folded ${cause}`, channelId: HERE, of };
    return frozen(message, { files: [FILE], whole: "text" });
  };
  add(plain("1"), NOW); // a
  const first = add(fold("2"), NOW);
  add(plain("2"), NOW, { state: "folded", into: first }); // b
  database.prepare("UPDATE outbox SET state = 'folded', folded_into = ? WHERE id = 1").run(first);
  const second = add(fold("4"), NOW);
  database.prepare("UPDATE outbox SET state = 'folded', folded_into = ? WHERE id = ?")
    .run(second, first);
  add(plain("3", [FILE]), NOW, { state: "folded", into: second }); // c, with a file of its own
  add(plain("4"), NOW, { state: "folded", into: second }); // d
  add(plain("5"), NOW); // e
  const rows = () =>
    database.prepare(
      "SELECT message ->> '$.content' AS text, state, file_count FROM outbox ORDER BY id",
    ).all().map((row) => `${row["text"]}: ${row["state"]}, ${row["file_count"]}`);
  const files = () =>
    database.prepare("SELECT outbox_row FROM outbox_file").all().map((row) => row["outbox_row"]);
  return { database, outbox, rows, files, second };
}

describe("[R12a] [D4] unfold()", () => {
  it("lets folded messages be sent in their order, over several folds, without files", async () => {
    const { outbox, rows, files, second } = setUp();
    const [head] = await outbox.heads(ACCOUNT, [HERE]);
    assert.equal(head?.id, second);
    assert.equal(await outbox.unfold(head, withoutFile), 4);
    assert.deepEqual(rows(), [
      "1: pending, 0",
      "folded 2: folded, 1",
      "2: pending, 0",
      "folded 4: withdrawn, 1",
      "without its file: pending, 0",
      "4: pending, 0",
      "5: pending, 0",
    ]);
    assert.ok(!files().includes(second));
    const sent: string[] = [];
    for (let next; (next = (await outbox.heads(ACCOUNT, [HERE]))[0]);) {
      sent.push(next.message.content);
      await outbox.markSent(next, messageId(String(100 + next.id)));
    }
    assert.deepEqual(sent, ["1", "2", "without its file", "4", "5"]);
  });

  it("holds a damaged message as dead, and lets the others be sent", async () => {
    const { database, outbox, rows } = setUp();
    database.exec(`UPDATE outbox SET message = '{"content":"2"}' WHERE id = 3`);
    const [head] = await outbox.heads(ACCOUNT, [HERE]);
    assert.ok(head);
    await outbox.unfold(head, withoutFile);
    assert.equal(rows()[2], "2: dead, 0");
    assert.deepEqual(
      rows().filter((row) => row.includes("pending")).map((row) => row.slice(0, 9)),
      ["1: pendin", "without i", "4: pendin", "5: pendin"],
    );
  });

  it("changes nothing about a row that Discord has meanwhile", async () => {
    const { outbox, rows } = setUp();
    const [head] = await outbox.heads(ACCOUNT, [HERE]);
    assert.ok(head);
    await outbox.markSent(head, messageId("77"));
    const before = rows();
    assert.equal(await outbox.unfold(head, withoutFile), 0);
    assert.deepEqual(rows(), before);
  });

  it("leaves a row alone into which nothing was folded", async () => {
    const { outbox, rows, second } = setUp();
    const [head] = await outbox.heads(ACCOUNT, [HERE]);
    assert.ok(head);
    await outbox.unfold(head, withoutFile);
    const before = rows();
    const [plain] = await outbox.heads(ACCOUNT, [HERE]);
    assert.ok(plain && plain.id !== second);
    assert.equal(await outbox.unfold(plain, withoutFile), 0);
    assert.deepEqual(rows(), before);
  });
});
