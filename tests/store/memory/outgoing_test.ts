import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Frozen } from "../../../src/core/outbound/outbound.ts";
import { createOutgoing } from "../../../src/store/memory/send_queues.ts";
import { prepareInsertRow } from "../../../src/store/outbox/outbox_rows.ts";
import { prepareAddToOutbox } from "../../../src/store/outbox/rows.ts";
import { ACCOUNT, channelId, outboundMessage } from "../../support/discord/builders.ts";
import { openDatabase } from "../../support/store/open_database.ts";
import { frozen } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const CHANNEL = channelId("11");

/** An outbox, and rows of an earlier process. */
function open() {
  const database = openDatabase();
  const outgoing = createOutgoing(database);
  const insertRow = prepareInsertRow(database);
  const addHere = prepareAddToOutbox(database, outgoing);
  const numbers = () =>
    new Map(
      database.prepare("SELECT nonce, id FROM outbox").all().map(({ nonce, id }) => [nonce, id]),
    );
  return {
    outgoing,
    numbers,
    /** The tables take a journaled row. */
    apply(id: number, nonce: string) {
      const message = outboundMessage({ channelId: CHANNEL, nonce });
      insertRow({ id, message, state: "pending", createdAt: NOW });
    },
    addHere: (nonce: string, draft?: Frozen["draft"]) =>
      addHere(frozen({ channelId: CHANNEL, nonce }, { draft }), NOW),
    addBefore: (nonce: string) =>
      prepareAddToOutbox(database, createOutgoing(database))(frozen({ nonce }), NOW),
  };
}

describe("createOutgoing()", () => {
  it("[D1] reserves consecutive numbers after those of the table", () => {
    const { outgoing, addHere } = open();
    assert.equal(addHere("a"), 1);
    assert.equal(outgoing.reserve(3), 2);
    assert.equal(outgoing.reserve(1), 5);
    assert.equal(addHere("b"), 6, "a row that is added at once follows the reserved ones");
    assert.equal(outgoing.reserve(1), 7);
  });

  it("[D1] begins after the last number of the table", () => {
    const { addBefore, outgoing } = open();
    addBefore("a");
    addBefore("b");
    assert.equal(outgoing.reserve(1), 3);
  });

  it("[D1] gives each row its own number, in the order of adding", () => {
    const steps = fc.array(fc.constantFrom("reserve", "here", "apply" as const), {
      maxLength: 40,
      size: "max",
    });
    fc.assert(fc.property(steps, (all) => {
      const { outgoing, apply, addHere, numbers } = open();
      const journaled: { readonly id: number; readonly nonce: string }[] = [];
      const catchUp = () => {
        for (const { id, nonce } of journaled.splice(0)) apply(id, nonce);
      };
      for (const [index, step] of all.entries()) {
        const nonce = `${index}`;
        if (step === "apply") catchUp();
        else if (step === "here") {
          catchUp(); // as before any other transaction
          addHere(nonce);
        } else {
          journaled.push({ id: outgoing.reserve(1), nonce });
        }
      }
      catchUp();
      const added = [...all.keys()].filter((index) => all[index] !== "apply");
      const inOrder = [...numbers()].toSorted(([, one], [, other]) => Number(one) - Number(other));
      assert.deepEqual(inOrder.map(([nonce]) => nonce), added.map(String));
    }));
  });

  it("[D1] forgets the queues, but no number", () => {
    const { outgoing } = open();
    outgoing.queues.markEmpty(ACCOUNT, CHANNEL);
    assert.equal(outgoing.reserve(1), 1);
    outgoing.forget();
    assert.equal(outgoing.queues.queueOf(ACCOUNT, CHANNEL), undefined);
    assert.equal(outgoing.reserve(1), 2);
  });

  it("[D1] knows a row that is added without the journal, unless a draft decides about it", () => {
    const { outgoing, addHere } = open();
    outgoing.queues.markEmpty(ACCOUNT, CHANNEL);
    addHere("a");
    const queue = outgoing.queues.queueOf(ACCOUNT, CHANNEL);
    assert.deepEqual(queue?.waiting.map(({ row, isStored }) => [row.message.nonce, isStored]), [
      ["a", true],
    ]);
    addHere("b", { nonce: "a", becomes: "this" });
    assert.equal(outgoing.queues.queueOf(ACCOUNT, CHANNEL), undefined);
  });
});
