/** Tests how an account stops, on a clock of the test. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stopAccount } from "../../../src/bot/account/running.ts";
import { tellChannel } from "../../../src/flows/unanswered_reactions.ts";
import { commandAccount } from "../../support/bot/commands.ts";
import { GUILD } from "../../support/discord/payloads.ts";
import { channelId } from "../../support/discord/builders.ts";

const GRACE_MS = 20_000;
const never = () => new Promise<void>(() => {});

/** An account that stops, with a gateway that closes as given. */
async function stopping({ isAsked = false, closed, isUnsent = false }: {
  /** Whether a person has given a command, which Discord takes no answer to. */
  readonly isAsked?: boolean;
  readonly closed?: () => Promise<void>;
  /** Whether Discord does not answer the request for a message. */
  readonly isUnsent?: boolean;
}) {
  const beside = { shutdown: { graceSec: GRACE_MS / 1_000 } };
  const scene = await commandAccount({
    beside,
    discord: { guilds: { [GUILD]: {} } },
    answer: ({ method, path }) =>
      isUnsent && method === "POST" || path.startsWith("/webhooks/") ? never() : undefined,
  });
  const { account, clock } = scene;
  if (isUnsent) await tellChannel(account, channelId("1400000000000000002"), "hello");
  await scene.quiet();
  const done: string[] = [];
  const rest = { ...account.rest, hurry: () => done.push("hurry") };
  const connection = {
    ...{ admit() {}, committed() {}, stats: () => ({}) },
    stop: closed ?? (() => Promise.resolve()),
  };
  Object.assign(account, { rest, connection });
  if (isAsked) await scene.slash("whoami");
  let hasStopped = false;
  void stopAccount(account).then(() => hasStopped = true);
  return {
    ...{ done, clock, slash: scene.slash },
    isStopping: () => !account.stopping.aborted,
    async hasStopped(afterMs = 0): Promise<boolean> {
      await scene.pass(afterMs);
      await scene.quiet();
      return hasStopped;
    },
  };
}

describe("[G12] the stop of an account", () => {
  it("ends the pace of answers first, and leaves no timer", async () => {
    const { done, hasStopped, clock } = await stopping({});
    assert.equal(await hasStopped(), true);
    assert.deepEqual([done, clock.pending], [["hurry"], 0]);
  });

  it("[X4a] waits three seconds for answers to commands, and no longer", async () => {
    const { hasStopped, isStopping } = await stopping({ isAsked: true });
    assert.equal(await hasStopped(2_999), false);
    assert.ok(isStopping());
    assert.equal(await hasStopped(1), true);
  });

  it("[X4a] has the same three seconds for commands that come while the gateway closes", async () => {
    const closed = Promise.withResolvers<void>();
    const { hasStopped, slash } = await stopping({ closed: () => closed.promise });
    assert.equal(await hasStopped(), false);
    await slash("whoami");
    closed.resolve();
    assert.equal(await hasStopped(), false);
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
