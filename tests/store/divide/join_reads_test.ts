import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { MessageId } from "../../../src/core/discord/ids.ts";
import type { Store } from "../../../src/core/store/store.ts";
import { dividePart } from "../../../src/store/divide/divide.ts";
import { joinParts } from "../../../src/store/divide/join_parts.ts";
import { joinStores } from "../../../src/store/shared/joined_store.ts";
import { openStore } from "../../support/store/open_database.ts";
import {
  ACCOUNT,
  channelId,
  guildId,
  guildMessage,
  guildPlace,
  messageIdAt,
} from "../../support/discord/builders.ts";
import { cases } from "../../support/long_form.ts";
import { seeded } from "../../support/seeded.ts";
import { accepted, found, frozen, ignored } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 0, 2);

/** Reads as commands and the dashboard make them, without numbers that a division changes. */
async function readsOf(store: Store, ids: readonly MessageId[]) {
  const unnumbered = (rows: readonly object[]) =>
    rows.map((row) => ({ ...row, id: undefined, behind: "behind" in row, factRow: undefined }));
  const records = await Promise.all(ids.map(async (messageId) => {
    const { decisions = [], ...record } = await store.received.messageRecordOf({ messageId }) ?? {};
    return { ...record, decisions: unnumbered(decisions) };
  }));
  return {
    verdicts: unnumbered(await store.received.newestVerdicts(100)),
    turns: await store.received.recentTurns(100),
    names: [...await store.received.askersNames()].toSorted(),
    sessions: await store.sessions.list(),
    unsent: unnumbered(await store.outbox.open(ACCOUNT)),
    records,
  };
}

describe("[O16] a store that was joined", () => {
  it("reads as its partitions did, and so do those that it is divided into", async () => {
    for (let seed = 0; seed < cases(3, 40); seed++) {
      const dice = seeded(seed);
      using folder = tempDirectory();
      const count = 2 + dice.upTo(3);
      const options = { now: NOW, elapsed: () => 0 };
      const open = (name: string) =>
        Array.from({ length: count }, (_, index) => {
          const partition = { index, count };
          const path = join(folder.path, `${name}${index}.db`);
          return { partition, store: openStore(path, { ...options, partition }) };
        });
      const readAll = async (parts: ReturnType<typeof open>, ids: readonly MessageId[]) => {
        const [first] = parts;
        assert.ok(first);
        const reads = await readsOf(joinStores(first.store, () => parts), ids);
        for (const { store } of parts) store.close();
        return reads;
      };
      const parts = open("part");
      const ids: MessageId[] = [];
      for (let step = 0; step < 40; step++) {
        const { store, partition: { index } } = dice.pick(parts);
        const now = NOW + step * 1_000;
        const guild = guildId(String(BigInt(count * 5 + index) << 22n));
        const channel = channelId(`140000000000000010${index}`);
        const place = guildPlace({ guild: { ...guildPlace().guild, id: guild } });
        const message = guildMessage({
          id: messageIdAt(now),
          channelId: channel,
          guildId: guild,
          place,
        });
        const isFor = dice.upTo(2) === 0;
        await store.inbox.acceptBatch(
          found({ judged: [isFor ? accepted(message) : ignored(message)] }),
          now,
        );
        if (dice.upTo(2) === 0) {
          await store.outbox.addAll([frozen({ channelId: channel, nonce: `n${step}` })], now);
        }
        ids.push(message.id);
      }
      const before = await readAll(parts, ids);
      assert.equal(before.verdicts.length, ids.length);
      assert.ok(before.unsent.length > 0 && before.names.length > 0);
      const joined = join(folder.path, "joined.db");
      joinParts(parts.map((_, index) => join(folder.path, `part${index}.db`)), joined, NOW);
      const whole = openStore(joined, options);
      assert.deepEqual(await readsOf(whole, ids), before, `seed ${seed}: joined`);
      whole.close();
      for (let index = 0; index < count; index++) {
        dividePart(joined, join(folder.path, `again${index}.db`), { index, count }, NOW);
      }
      assert.deepEqual(await readAll(open("again"), ids), before, `seed ${seed}: divided again`);
    }
  });
});
