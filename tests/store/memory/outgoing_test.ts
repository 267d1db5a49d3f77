import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createOutgoing } from "../../../src/store/memory/send_queues.ts";
import {
  type PlainRow,
  prepareAddPlainRows,
  prepareAddToOutbox,
} from "../../../src/store/outbox/rows.ts";
import { ACCOUNT, channelId, outboundMessage } from "../../support/discord/builders.ts";
import { openDatabase } from "../../support/store/open_database.ts";
import { frozen } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const CHANNEL = channelId("11");

/** An outbox as one process sees it, and rows of another process. */
function open() {
  const database = openDatabase();
  const outgoing = createOutgoing(database);
  const addPlainRows = prepareAddPlainRows(database, outgoing);
  const addPlain = (row: PlainRow, now: number) => addPlainRows([row], now);
  const addHere = prepareAddToOutbox(database, outgoing);
  const numbers = () =>
    new Map(
      database.prepare("SELECT nonce, id FROM outbox").all().map(({ nonce, id }) => [nonce, id]),
    );
  return {
    outgoing,
    /** Numbers in the table, by nonce. */
    numbers,
    /** The tables take a journaled row. */
    apply(id: number, nonce: string) {
      const message = outboundMessage({ channelId: CHANNEL, nonce });
      addPlain({ id, message, isIntended: false }, NOW);
    },
    addHere: (nonce: string) => addHere(frozen({ channelId: CHANNEL, nonce }), NOW),
    addElsewhere: (nonce: string) =>
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
    const { addElsewhere, outgoing } = open();
    addElsewhere("a");
    addElsewhere("b");
    assert.equal(outgoing.reserve(1), 3);
  });

  it("[D1] gives a row the next free number if another process took the reserved one", () => {
    const { outgoing, apply, addElsewhere, numbers } = open();
    const first = outgoing.reserve(2);
    assert.equal(addElsewhere("theirs"), first);
    apply(first, "ours 0");
    apply(first + 1, "ours 1");
    assert.deepEqual([...numbers()].toSorted(), [
      ["ours 0", first + 2],
      ["ours 1", first + 1],
      ["theirs", first],
    ]);
  });

  it("[D1] gives each row its own number, regardless of rows from another process", () => {
    const steps = fc.array(fc.constantFrom("reserve", "elsewhere", "here", "apply" as const), {
      maxLength: 40,
      size: "max",
    });
    fc.assert(fc.property(steps, (all) => {
      const { outgoing, apply, addElsewhere, addHere, numbers } = open();
      const journaled: { readonly id: number; readonly nonce: string }[] = [];
      const catchUp = () => {
        for (const { id, nonce } of journaled.splice(0)) apply(id, nonce);
      };
      for (const [index, step] of all.entries()) {
        const nonce = `${index}`;
        if (step === "elsewhere") addElsewhere(nonce);
        else if (step === "apply") catchUp();
        else if (step === "here") {
          catchUp(); // as before any other transaction
          addHere(nonce);
        } else {
          journaled.push({ id: outgoing.reserve(1), nonce });
        }
      }
      catchUp();
      assert.equal(numbers().size, all.filter((step) => step !== "apply").length);
    }));
  });

  it("[D1] forgets the queues, but no number", () => {
    const { outgoing } = open();
    outgoing.queues.markEmpty(ACCOUNT, CHANNEL);
    assert.equal(outgoing.reserve(1), 1);
    outgoing.forget();
    assert.equal(outgoing.queues.isKnown(ACCOUNT, CHANNEL), false);
    assert.equal(outgoing.reserve(1), 2);
  });

  it("[D1] makes a channel unknown when a row is added without the journal", () => {
    const { outgoing, addHere } = open();
    outgoing.queues.markEmpty(ACCOUNT, CHANNEL);
    addHere("a");
    assert.equal(outgoing.queues.isKnown(ACCOUNT, CHANNEL), false);
  });
});
