import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import {
  CLOSED_MS,
  CODE_LIFE_MS,
  codeFrom,
  type PairingDecision,
  type PairingRequest,
} from "../../../src/core/inbound/pairing.ts";
import type { ResolvedName } from "../../../src/core/names.ts";
import type { Frozen } from "../../../src/core/outbound/outbound.ts";
import { openDatabase } from "../../../src/store/database/database.ts";
import { createPairings } from "../../../src/store/pairing/pairing.ts";
import type { Store } from "../../../src/store/store.ts";
import { ACCOUNT, channelId, guildId, userId } from "../../support/discord/builders.ts";
import { challenged, codeNumber, strangersMessage } from "../../support/discord/pairing.ts";
import { cases } from "../../support/long_form.ts";
import { openStore } from "../../support/store/open_database.ts";
import { found, frozen, openTestStore } from "../../support/store/store.ts";
import { createUngroupedTransactions } from "../../support/store/ungrouped.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const ADA: ResolvedName = { kind: "user", typed: "Ada", id: userId("1"), name: "ada", at: 5 };
const GUILD: ResolvedName = {
  kind: "guild",
  typed: "my guild",
  id: guildId("2"),
  name: "My Guild",
  at: 6,
};
const help = (guild: string, id: string): ResolvedName => ({
  kind: "channel",
  typed: "help",
  guildId: guildId(guild),
  id: channelId(id),
  name: "help",
  at: 7,
});

it("[P12] names › keep their first id", async () => {
  const { store } = openTestStore();
  await store.pairing.saveNames(ACCOUNT, [ADA, GUILD, help("2", "3"), help("4", "5")]);
  await store.pairing.saveNames(ACCOUNT, [
    { ...ADA, id: userId("666"), at: 9 },
    { ...GUILD, id: guildId("666"), at: 9 },
    help("2", "666"),
  ]);
  assert.deepEqual(await store.pairing.namesOf(ACCOUNT), [
    help("2", "3"),
    help("4", "5"),
    GUILD,
    ADA,
  ]);
});

const NOW = Date.UTC(2026, 0, 1);
const SECOND = toAccountId("second");
const STRANGER = strangersMessage(0).sender.id;

function asked(fields: Partial<PairingDecision> = {}): PairingDecision {
  return {
    accountId: ACCOUNT,
    by: { code: codeNumber(0) },
    how: "approve",
    decidedBy: "cli",
    now: NOW,
    notify: [],
    ...fields,
  };
}

/** Makes the requests of `count` unpaired senders. */
async function ask(store: Store, count = 1): Promise<readonly PairingRequest[]> {
  const judged = Array.from({ length: count }, (_, who) => challenged(strangersMessage(who), who));
  const { challenged: requests } = await store.inbox.acceptBatch(
    found({ judged }),
    NOW,
  );
  return requests;
}

async function open(count = 1) {
  const test = openTestStore();
  const requests = await ask(test.store, count);
  const request = requests[0]!;
  return { ...test, pairing: test.store.pairing, requests, request };
}

/** Codes that no sender has. */
const guess = (number: number) => ({ code: codeFrom(Uint8Array.of(9, 9, 9, 9, 9, number, 9, 9)) });

describe("pairing.decide()", () => {
  it("[P3] approves a person, and notifies them, in one transaction", async () => {
    const { store, pairing, request } = await open();
    const outcome = await pairing.decide(asked({
      by: { code: ` ${codeNumber(0).toLowerCase()} ` },
      now: NOW + 5,
      notify: [frozen({ nonce: "", channelId: channelId("404"), content: "You may write now." })],
    }));
    assert.deepEqual(outcome, { kind: "approved", request });
    assert.deepEqual(await pairing.requests(ACCOUNT, NOW), []);
    assert.deepEqual(await pairing.paired(ACCOUNT), [{
      accountId: ACCOUNT,
      userId: STRANGER,
      username: "stranger0",
      pairedAt: NOW + 5,
      pairedBy: "cli",
    }]);
    const rows = await store.outbox.open(ACCOUNT);
    assert.deepEqual(rows.map(({ channelId, preview }) => [channelId, preview]), [
      [request.channelId, `Your code: ${codeNumber(0)}`],
      [request.channelId, "You may write now."],
    ]);
    assert.deepEqual(await store.messages.directChannels(ACCOUNT), [request.channelId]);
  });

  it("[D1] approves no person whose notice cannot be stored", async () => {
    const { pairing, request } = await open();
    const unstorable = { ...frozen({ nonce: "" }), files: [null] } as unknown as Frozen;
    await assert.rejects(pairing.decide(asked({ notify: [unstorable] })), TypeError);
    assert.deepEqual(await pairing.paired(ACCOUNT), []);
    assert.deepEqual(await pairing.requests(ACCOUNT, NOW), [request]);
  });

  it("[P3] denies a person without a message", async () => {
    const { store, pairing, request } = await open();
    const notify = [frozen({ nonce: "", content: "You may write now." })];
    assert.deepEqual(await pairing.decide(asked({ how: "deny", notify })), {
      kind: "denied",
      request,
    });
    assert.deepEqual(await pairing.paired(ACCOUNT), []);
    assert.deepEqual(await pairing.requests(ACCOUNT, NOW), []);
    assert.deepEqual(await store.messages.directChannels(ACCOUNT), []);
  });

  it("[SEC-R13] accepts a code once, for either decision", async () => {
    for (const how of ["approve", "deny"] as const) {
      const { pairing } = await open();
      await pairing.decide(asked({ how }));
      assert.deepEqual(await pairing.decide(asked()), { kind: "unknown", wrongInRow: 1 });
      assert.equal((await pairing.paired(ACCOUNT)).length, how === "approve" ? 1 : 0);
    }
  });

  it("[P3] returns `expired` for a code after its hour, and counts no wrong code", async () => {
    const { pairing, request } = await open();
    const late = asked({ now: NOW + CODE_LIFE_MS });
    assert.deepEqual(await pairing.decide(late), { kind: "expired", request });
    assert.deepEqual(await pairing.decide({ ...late, by: { button: "button-0" } }), {
      kind: "expired",
      request,
    });
    assert.deepEqual(await pairing.paired(ACCOUNT), []);
    const wrong = await pairing.decide({ ...late, by: guess(0) });
    assert.deepEqual(wrong, { kind: "unknown", wrongInRow: 1 });
    assert.equal((await pairing.decide(asked({ now: NOW + CODE_LIFE_MS - 1 }))).kind, "approved");
  });

  it("[P3] [SEC-R13] refuses all codes for a minute after five wrong ones in a row", async () => {
    const { pairing } = await open();
    for (let number = 0; number < 5; number++) {
      const outcome = await pairing.decide(asked({ by: guess(number) }));
      assert.deepEqual(outcome, { kind: "unknown", wrongInRow: number + 1 });
    }
    const until = NOW + CLOSED_MS;
    assert.deepEqual(await pairing.decide(asked()), { kind: "closed", until });
    assert.deepEqual(await pairing.decide(asked({ now: until - 1 })), { kind: "closed", until });
    assert.equal((await pairing.decide(asked({ now: until }))).kind, "approved");
  });

  it("[SEC-R13] resets the count after a right code, and counts text that is no code", async () => {
    const { pairing } = await open(2);
    for (let number = 0; number < 4; number++) await pairing.decide(asked({ by: { code: "O" } }));
    assert.equal((await pairing.decide(asked())).kind, "approved");
    assert.deepEqual(await pairing.decide(asked({ by: guess(0) })), {
      kind: "unknown",
      wrongInRow: 1,
    });
  });

  it("[C6] [SEC-R13] counts for each account, and finds no code of another account", async () => {
    const { pairing } = await open();
    for (let time = 0; time < 5; time++) {
      assert.equal((await pairing.decide(asked({ accountId: SECOND }))).kind, "unknown");
    }
    assert.equal((await pairing.decide(asked({ accountId: SECOND }))).kind, "closed");
    const button = { button: "button-0" };
    assert.deepEqual(await pairing.decide(asked({ accountId: SECOND, by: button })), {
      kind: "unknown",
      wrongInRow: 0,
    });
    assert.equal((await pairing.decide(asked())).kind, "approved");
  });

  it("[SEC-R13] counts across restarts and processes", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const bot = openStore(path, { now: NOW, elapsed: () => 0 });
    await ask(bot);
    for (let time = 0; time < 5; time++) {
      const database = openDatabase(path, NOW);
      await createPairings(createUngroupedTransactions(database)).decide(
        asked({ by: guess(time) }),
      );
      database.close();
    }
    assert.equal((await bot.pairing.decide(asked())).kind, "closed");
    bot.close();
    const next = openStore(path, { now: NOW, elapsed: () => 0 });
    assert.equal((await next.pairing.decide(asked())).kind, "closed");
    next.close();
  });

  it("[SEC-R13] accepts none of 10,000 guesses", async () => {
    const { pairing } = await open(10);
    const counts = new Map<string, number>();
    for (let number = 0; number < cases(10_000); number++) {
      const bytes = Uint8Array.from({ length: 8 }, (_, index) => (number * 7919) >> index);
      bytes[7] = 1; // the tests' pairing service counts from AAAAAAAA, so its codes end in A
      const { kind } = await pairing.decide(
        asked({ by: { code: codeFrom(bytes) }, now: NOW + number }),
      );
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    assert.deepEqual([...counts.keys()].toSorted(), ["closed", "unknown"]);
    assert.equal(counts.get("unknown"), 5, "in ten seconds");
    assert.deepEqual(await pairing.paired(ACCOUNT), []);
  });

  it("[P3] accepts buttons, which never close the check", async () => {
    const { pairing, requests: [first, second] } = await open(2);
    for (let time = 0; time < 9; time++) {
      assert.deepEqual(await pairing.decide(asked({ by: { button: "guess" } })), {
        kind: "unknown",
        wrongInRow: 0,
      });
    }
    for (let time = 0; time < 5; time++) await pairing.decide(asked({ by: guess(time) }));
    const press = (button: string) =>
      pairing.decide(asked({ by: { button }, how: "approve", decidedBy: "42" }));
    assert.deepEqual(await press(second!.buttons.deny), { kind: "denied", request: second });
    assert.deepEqual(await press(first!.buttons.approve), { kind: "approved", request: first });
    assert.equal((await pairing.paired(ACCOUNT))[0]?.pairedBy, "42");
    for (const button of [second!.buttons.approve, second!.buttons.deny]) {
      assert.deepEqual(await press(button), { kind: "already", request: second });
    }
  });

  it("[P3] applies one of several simultaneous decisions", async () => {
    const { pairing, request } = await open();
    const { approve, deny } = request.buttons;
    const outcomes = await Promise.all([
      pairing.decide(asked({ by: { button: deny } })),
      pairing.decide(asked({ by: { button: approve } })),
      pairing.decide(asked()),
    ]);
    assert.deepEqual(outcomes.map(({ kind }) => kind), ["denied", "already", "unknown"]);
    assert.deepEqual(await pairing.paired(ACCOUNT), []);
  });
});

it("[P3] pairing.unreported() › lists open requests that were not reported to the owners yet", async () => {
  const { pairing, requests: [first, second] } = await open(2);
  assert.deepEqual(await pairing.unreported(ACCOUNT, NOW), [first, second]);
  await pairing.markReported(first!.id);
  assert.deepEqual(await pairing.unreported(ACCOUNT, NOW), [second]);
  assert.deepEqual(await pairing.requests(ACCOUNT, NOW), [first, second]);
  assert.deepEqual(await pairing.unreported(SECOND, NOW), []);
  assert.deepEqual(await pairing.unreported(ACCOUNT, NOW + CODE_LIFE_MS), []);
});

it("[C6] pairing.revoke() › removes the pairing of one account, and returns it", async () => {
  const { pairing } = await open();
  await pairing.decide(asked());
  assert.equal(await pairing.revoke(SECOND, STRANGER), undefined);
  assert.equal((await pairing.revoke(ACCOUNT, STRANGER))?.username, "stranger0");
  assert.deepEqual(await pairing.paired(ACCOUNT), []);
});
