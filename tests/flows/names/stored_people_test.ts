import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { storedPeople } from "../../../src/flows/names/stored_people.ts";
import {
  ACCOUNT,
  directMessage,
  guildId,
  guildMessage,
  messageId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import {
  challenged,
  codeNumber,
  pairingService,
  strangersMessage,
} from "../../support/discord/pairing.ts";
import { accepted, batch, ignored, openTestStore } from "../../support/store/store.ts";

const SECOND = toAccountId("second");
const NOW = Date.parse("2026-11-20T12:00:00Z");
const OWNER = userId("11");
const MATE = userId("12");

describe("[P7] storedPeople()", () => {
  it("names the team, resolved people, senders, and those with and without a pairing", async () => {
    const { store } = openTestStore();
    await store.gateway.saveOwners(ACCOUNT, [OWNER, MATE]);
    await store.pairing.saveNames(ACCOUNT, [
      { kind: "user", typed: "Bob", id: userId("13"), name: "bob", at: NOW },
      { kind: "guild", typed: "krill", id: guildId("14"), name: "Krill", at: NOW },
    ]);
    await store.inbox.acceptBatch(
      batch({
        judged: [challenged(strangersMessage(0)), challenged(strangersMessage(1))],
        pairing: pairingService(),
      }),
      NOW,
    );
    await store.pairing.decide({
      accountId: ACCOUNT,
      by: { code: codeNumber(0) },
      how: "approve",
      decidedBy: "cli",
      now: NOW,
      notify: [],
    });
    const from = (id: string, username: string) => ({
      id: messageId(`15000000000000000${id}`),
      sender: sender({ id: userId(id), username }),
    });
    await store.inbox.acceptBatch(
      batch({
        judged: [
          accepted(directMessage(from("15", "asker"))),
          ignored(guildMessage(from("16", "overheard"))),
          accepted(directMessage(from("13", "bob.renamed"))),
        ],
      }),
      NOW,
    );
    const people = await storedPeople(store, ACCOUNT, NOW);
    assert.deepEqual(people.slice(0, 2), [{ id: OWNER }, { id: MATE }]);
    const named = people.slice(2).map(({ id, name }) => `${id} ${name}`);
    assert.deepEqual(named.toSorted(), [
      "13 bob",
      "13 bob.renamed",
      "15 asker",
      "16 overheard",
      "30000000 stranger0",
      "30000001 stranger1",
    ]);
    assert.ok(named.indexOf("13 bob") < named.indexOf("13 bob.renamed"), "newer names are later");
    assert.deepEqual(await storedPeople(store, SECOND, NOW), [], "another account's owners");
  });
});
