/** Tests how an account stops, on a clock of the test. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stopParts } from "../../../src/bot/account/running.ts";
import { tellChannel } from "../../../src/flows/tell.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { channelId } from "../../support/discord/builders.ts";

const GRACE_MS = 20_000;

/** An account that stops, with a gateway that closes as given. */
async function stopping({ answered, closed, isUnsent = false }: {
  readonly answered?: () => Promise<void>;
  readonly closed?: () => Promise<void>;
  /** Whether Discord does not answer the request for a message. */
  readonly isUnsent?: boolean;
}) {
  const beside = { shutdown: { graceSec: GRACE_MS / 1_000 } };
  const scene = await testAccount({
    beside,
    answer: ({ method }) => isUnsent && method === "POST" ? new Promise(() => {}) : undefined,
  });
  const { parts, account, clock } = scene;
  if (isUnsent) await tellChannel(account, channelId("1400000000000000002"), "hello");
  await scene.quiet();
  const done: string[] = [];
  const rest = { ...account.rest, hurry: () => done.push("hurry") };
  const connection = { stats: () => ({}), stop: closed ?? (() => Promise.resolve()) };
  Object.assign(account, { rest, connection });
  const { interactions } = account.parts;
  account.parts.interactions = {
    ...interactions,
    answered: answered ?? interactions.answered,
    stop: () => interactions.stop().then(() => void done.push("interactions")),
  };
  let hasStopped = false;
  void stopParts(parts, () => assert.fail()).then(() => hasStopped = true);
  return {
    ...{ done, clock },
    isStopping: () => !parts.stopping.signal.aborted,
    async hasStopped(afterMs = 0): Promise<boolean> {
      await scene.pass(afterMs);
      await scene.quiet();
      return hasStopped;
    },
  };
}

const never = () => new Promise<void>(() => {});

describe("[G12] the stop of an account", () => {
  it("ends the pace of answers first, and leaves no timer", async () => {
    const { done, hasStopped, clock } = await stopping({});
    assert.equal(await hasStopped(), true);
    assert.deepEqual([done, clock.pending], [["hurry", "interactions", "interactions"], 0]);
  });

  it("[X4a] waits three seconds for answers to commands, and no longer", async () => {
    const { hasStopped, isStopping } = await stopping({ answered: never });
    assert.equal(await hasStopped(2_999), false);
    assert.ok(isStopping());
    assert.equal(await hasStopped(1), true);
  });

  it("[X4a] has the same three seconds for commands that come while the gateway closes", async () => {
    const closed = Promise.withResolvers<void>();
    let asked = 0;
    const { hasStopped } = await stopping({
      answered: () => asked++ === 0 ? Promise.resolve() : never(),
      closed: () => closed.promise,
    });
    assert.equal(await hasStopped(), false);
    closed.resolve();
    assert.equal(await hasStopped(), false);
    assert.equal(asked, 2);
    assert.equal(await hasStopped(3_000), true);
  });

  it("waits for replies until the grace period ends", async () => {
    const { hasStopped, isStopping } = await stopping({ isUnsent: true });
    assert.equal(await hasStopped(GRACE_MS - 1), false);
    assert.ok(isStopping());
    await hasStopped(1);
    assert.ok(!isStopping());
  });
});
