import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openStore } from "../support/store/open_database.ts";
import { ACCOUNT, guildMessage } from "../support/discord/builders.ts";
import { accepted, batch, frozen, ROUTE } from "../support/store/store.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const NOW = Date.UTC(2026, 0, 1);

describe("openStore()", () => {
  it("[D1] finds stored data after a restart, and continues with it", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const passed: string[] = [];
    const options = {
      now: NOW,
      elapsed: () => 0,
      crash: (when: string, name: string) => void passed.push(`${when} ${name}`),
    };
    const message = guildMessage();
    let store = openStore(path, options);
    await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
    const dropped = await store.inbox.claimNext(ACCOUNT, NOW, []);
    store.close();

    store = openStore(path, options);
    assert.equal(await store.inbox.voidClaims(ACCOUNT), 1);
    const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
    assert.deepEqual(claim, { ...dropped, attempt: 2 });
    const entry = { role: "user", text: "hello", messageId: message.id, at: NOW } as const;
    const outbox = [frozen()];
    await store.turns.finishTurn(
      { claim, end: { kind: "answered" }, entries: [entry], outbox },
      NOW,
    );
    store.close();

    store = openStore(path, options);
    assert.deepEqual(await store.turns.entriesOf(ROUTE.sessionKey, 9), [entry]);
    const [head] = await store.outbox.heads(ACCOUNT);
    assert.equal(await store.outbox.markSending(head!, NOW), true);
    await store.outbox.markSent(head!);
    assert.deepEqual(await store.outbox.heads(ACCOUNT), []);
    store.close();

    const around = (...names: readonly string[]) =>
      names.flatMap((name) => [`before ${name}`, `after ${name}`]);
    assert.deepEqual(passed, [...around("T1", "T2", "T2", "T3", "T4", "T5")]);
  });

  it("[O7] stores waiting work on close(), and refuses later work", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const store = openStore(path, { now: NOW, elapsed: () => 0 });
    const asked = store.inbox.acceptBatch(batch({ judged: [accepted()] }), NOW);
    store.close();
    assert.equal((await asked).accepted.length, 1);
    await assert.rejects(store.gateway.touchAlive(ACCOUNT, undefined, NOW), /closed/);
  });
});
