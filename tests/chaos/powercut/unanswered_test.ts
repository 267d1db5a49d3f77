import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { it } from "node:test";
import { migrate, MIGRATIONS } from "../../../src/store/database/migrations.ts";
import { createStore } from "../../../src/store/store.ts";
import { guildMessage, messageId } from "../../support/discord/builders.ts";
import { accepted, batch, ignored } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { describeUnanswered } from "./unanswered.ts";

const question = (id: string, words: string, isFirstDirect: boolean) => ({
  messageId: id,
  words,
  sentAt: 0,
  isFirstDirect,
});

it("describeUnanswered() › tells the store's record of each question", async () => {
  using folder = tempDirectory();
  const path = join(folder.path, "barnacle.db");
  const database = new DatabaseSync(path);
  migrate(database, MIGRATIONS, () => {});
  const store = createStore(database, path, { elapsed: () => 0 });
  const waiting = guildMessage({ id: messageId("1400000000000000101") });
  const other = guildMessage({ id: messageId("1400000000000000102") });
  await store.inbox.acceptBatch(batch({ judged: [accepted(waiting), ignored(other)] }), 1);
  store.close();
  const described = await describeUnanswered(path, [
    question(waiting.id, "q1.", false),
    question(other.id, "q2.", false),
    question("1400000000000000103", "q3.", true),
  ]);
  assert.deepEqual(described.split("; "), [
    'q1.: {"decisions":["accept: mentioned"],"turn":"waiting, attempt 0","outbox":[]}',
    'q2.: {"decisions":["ignore: no-mention"],"outbox":[]}',
    "q3. (first message of a new user): not stored",
  ]);
});
