import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OutboundMessage, OutboxRow, PostOutcome } from "../../src/core/outbound.ts";
import { deliver, type DeliverPorts } from "../../src/flows/deliver.ts";
import { createOutbox, prepareAddToOutbox } from "../../src/store/outbox.ts";
import { ACCOUNT, messageId, outboundMessage } from "../support/builders.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { openDatabase } from "../support/open_database.ts";

const CREATED: PostOutcome = { kind: "created", messageId: messageId("77") };
const UNANSWERED: PostOutcome = { kind: "unanswered" };
const REFUSED: PostOutcome = { kind: "refused", why: "forbidden", reason: "Missing Permissions" };

/** The real outbox in memory with one message, and a Discord that answers as it is told. */
function setUp(...answers: readonly (PostOutcome | Error)[]) {
  const database = openDatabase();
  prepareAddToOutbox(database)([outboundMessage()], 0);
  const outbox = createOutbox(database);
  const clock = new FakeClock();
  const posted: { message: OutboundMessage; state: unknown }[] = [];
  const stored = () =>
    database.prepare("SELECT state, first_attempt_at, message_id FROM outbox").get()!;
  const ports: DeliverPorts = {
    outbox,
    post(message) {
      const answer = answers[posted.length]!;
      posted.push({ message, state: stored()["state"] });
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    now: clock.now,
  };
  const head = async (): Promise<OutboxRow> => (await outbox.heads(ACCOUNT))[0]!;
  return { outbox, clock, posted, stored, ports, head };
}

describe("deliver()", () => {
  it("[D1] stores the intent, sends the row as it is frozen, and settles it", async () => {
    const { clock, posted, stored, ports, head } = setUp(CREATED);
    assert.deepEqual(await deliver(await head(), ports), CREATED);
    assert.deepEqual(posted, [{ message: outboundMessage(), state: "sending" }]);
    assert.deepEqual({ ...stored() }, {
      state: "sent",
      first_attempt_at: clock.now(),
      message_id: "77",
    });
    assert.equal(await head(), undefined);
  });

  it("[D2] takes a message that somebody deleted meanwhile for delivered", async () => {
    const { posted, stored, ports, head } = setUp({ kind: "already_gone" });
    await deliver(await head(), ports);
    assert.equal(stored()["state"], "sent");
    assert.equal(stored()["message_id"], null);
    assert.equal(await head(), undefined);
    assert.equal(posted.length, 1);
  });

  it("[D2] leaves what got no answer to be asked again, by the same nonce", async () => {
    const { clock, posted, ports, head } = setUp(UNANSWERED, CREATED);
    const firstAttemptAt = clock.now();
    assert.deepEqual(await deliver(await head(), ports), UNANSWERED);
    assert.equal((await head()).firstAttemptAt, firstAttemptAt);

    clock.advance(59_999);
    assert.deepEqual(await deliver(await head(), ports), CREATED);
    assert.deepEqual(posted[1]?.message, posted[0]?.message);
  });

  it("[D2] sends nothing that Discord may hold under a nonce it has forgotten", async () => {
    const { clock, posted, stored, ports, head } = setUp(UNANSWERED, UNANSWERED, CREATED);
    await deliver(await head(), ports);
    clock.advance(30_000);
    await deliver(await head(), ports);
    clock.advance(30_000); // the first attempt counts, not the last
    assert.deepEqual(await deliver(await head(), ports), { kind: "stale" });
    assert.equal(posted.length, 2);
    assert.equal(stored()["state"], "sending");
  });

  it("[D2] is as if unanswered where the process dies on the wire", async () => {
    const { clock, stored, ports, head } = setUp(new Error("killed"));
    await assert.rejects(deliver(await head(), ports), /killed/);
    assert.equal(stored()["state"], "sending");
    assert.equal(stored()["first_attempt_at"], clock.now());
  });

  it("[D5] keeps a refused row as one that was never tried", async () => {
    const { clock, stored, ports, head } = setUp(REFUSED, CREATED);
    const row = await head();
    assert.deepEqual(await deliver(row, ports), REFUSED);
    assert.equal(stored()["state"], "pending");
    assert.deepEqual(await head(), row);

    clock.advance(86_400_000);
    assert.deepEqual(await deliver(await head(), ports), CREATED);
  });

  it("[D2] remembers, past a refusal, an attempt that got no answer", async () => {
    const { clock, stored, ports, head } = setUp(UNANSWERED, REFUSED);
    const firstAttemptAt = clock.now();
    await deliver(await head(), ports);
    clock.advance(1_000);
    await deliver(await head(), ports);
    assert.equal((await head()).firstAttemptAt, firstAttemptAt);
    assert.equal(stored()["state"], "sending");
  });

  for (const outcome of [CREATED, { kind: "already_gone" }] as const) {
    it(`[D2] tells of an echo that comes before Discord says ${outcome.kind}`, async () => {
      const { outbox, stored, ports, head } = setUp(outcome);
      const row = await head();
      const post = async (...request: Parameters<DeliverPorts["post"]>) => {
        await outbox.markSent(row, messageId("77"));
        return await ports.post(...request);
      };
      assert.deepEqual(await deliver(row, { ...ports, post }), { ...outcome, wasEchoed: true });
      assert.equal(stored()["message_id"], "77");
    });
  }

  it("[D2] sends nothing that the gateway's echo has settled", async () => {
    const { outbox, posted, stored, ports, head } = setUp(UNANSWERED);
    await deliver(await head(), ports);
    const row = await head();
    await outbox.markSent(row, messageId("77"));
    assert.deepEqual(await deliver(row, ports), { kind: "settled" });
    assert.equal(posted.length, 1);
    assert.equal(stored()["state"], "sent");
  });
});
