import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { nonceOf } from "../../../src/core/outbound/nonce.ts";
import type { Button } from "../../../src/core/outbound/outbound.ts";
import type { PairingRequest } from "../../../src/core/inbound/pairing.ts";
import { createChallenges, createPairingService } from "../../../src/flows/inbound/challenge.ts";
import { directMessage, pairingRequest } from "../../support/discord/builders.ts";
import { testAccount } from "../../support/account.ts";
import { settle } from "../../support/settle.ts";

describe("[P3] createPairingService()", () => {
  const pairingService = createPairingService({ draw: randomBytes });

  it("[SEC-R13] draws codes of eight unmistakable letters", () => {
    const codes = Array.from({ length: 200 }, pairingService.newCode);
    for (const code of codes) assert.match(code, /^[A-HJ-NP-Z2-9]{8}$/);
    assert.equal(new Set(codes).size, 200);
  });

  it("tells the stranger the code and their id, in one message", () => {
    const message = directMessage({ revision: 1 });
    const [frozen, ...more] = pairingService.challenge(message, "ABCD2345");
    assert.deepEqual(more, []);
    assert.match(frozen!.message.content, /`barnacle pairing approve ABCD2345`/);
    assert.match(frozen!.message.content, /123456789012345678/);
    assert.equal(frozen!.message.channelId, message.channelId);
    const answer = { cause: message.id, revision: 1, kind: "challenge" } as const;
    assert.equal(frozen!.message.nonce, nonceOf(answer, 0));
    assert.deepEqual(frozen!.message.pings, { users: [], roles: [], quotedAuthor: false });
    assert.deepEqual(pairingService.challenge(message, "ABCD2345"), [frozen]);
  });
});

function setUp(unreported: readonly PairingRequest[] = []) {
  const { account, clock, lines } = testAccount();
  const told: { readonly text: string; readonly buttons: readonly Button[] }[] = [];
  const marked: number[] = [];
  const world = { isUnreachable: false, isFull: false, isRefused: false };
  const pairing = {
    unreported: () => Promise.resolve(unreported),
    markReported(id: number) {
      if (world.isFull) return Promise.reject(new Error("disk full"));
      marked.push(id);
      return Promise.resolve();
    },
  };
  const challenges = createChallenges({ ...account, store: { pairing } }, {
    isFinal: (error) => error instanceof Error && error.message === "50007",
    tellOwners(text, buttons) {
      if (world.isRefused) return Promise.reject(new Error("50007"));
      if (world.isUnreachable) return Promise.reject(new Error("offline"));
      told.push({ text, buttons });
      return Promise.resolve();
    },
  });
  return { challenges, clock, lines, told, marked, world };
}

describe("[P3] createChallenges()", () => {
  it("asks the owners with two buttons, and records that they know", async () => {
    const { challenges, told, marked } = setUp();
    challenges.challenged([pairingRequest({ id: 5 })]);
    await settle();
    assert.equal(told.length, 1);
    assert.match(told[0]!.text, /`ada` \(123456789012345678\).*`ABCD2345`/);
    assert.deepEqual(told[0]!.buttons, [
      { customId: "pairing:yes", label: "Approve", style: "success" },
      { customId: "pairing:no", label: "Deny", style: "danger" },
    ]);
    assert.deepEqual(marked, [5]);
  });

  it("writes no code into the log", async () => {
    const { challenges, lines } = setUp();
    challenges.challenged([pairingRequest()]);
    await settle();
    assert.equal(lines[0]?.fields.userId, "123456789012345678");
    assert.doesNotMatch(JSON.stringify(lines), /ABCD2345|pairing:yes/);
  });

  it("sends requests after the start that the last process left", async () => {
    const { challenges, told, marked } = setUp([
      pairingRequest({ id: 1 }),
      pairingRequest({ id: 2 }),
    ]);
    challenges.start();
    await settle();
    assert.equal(told.length, 2);
    assert.deepEqual(marked, [1, 2]);
  });

  it("asks once, and says so, if Discord lets the bot write to no owner", async () => {
    const { challenges, clock, lines, marked, world } = setUp();
    world.isRefused = true;
    challenges.challenged([pairingRequest()]);
    await settle();
    assert.equal(clock.pending, 0);
    assert.deepEqual(marked, []);
    assert.match(lines.at(-1)?.event ?? "", /No owner can be told .* `barnacle pairing list`/);
  });

  it("asks once more after a change of the config, which may name other owners", async () => {
    const { challenges, told, marked, world } = setUp();
    world.isRefused = true;
    challenges.challenged([pairingRequest({ id: 7 })]);
    await settle();
    world.isRefused = false;
    challenges.reconfigured();
    challenges.reconfigured();
    await settle();
    assert.deepEqual([told.length, marked], [1, [7]]);
  });

  it("retries while no owner is reachable, until the code expires", async () => {
    const { challenges, clock, told, world } = setUp();
    world.isUnreachable = true;
    challenges.challenged([pairingRequest()]);
    await settle();
    world.isUnreachable = false;
    clock.advance(60_000);
    await settle();
    assert.equal(told.length, 1);

    world.isUnreachable = true;
    challenges.challenged([pairingRequest({ id: 2 })]);
    await settle();
    world.isUnreachable = false;
    clock.advance(60 * 60_000);
    await settle();
    assert.equal(told.length, 1);
    assert.equal(clock.pending, 0);
  });

  it("leaves interrupted requests to the next start", async () => {
    const { challenges, clock, told, world } = setUp();
    world.isUnreachable = true;
    challenges.challenged([pairingRequest()]);
    await settle();
    await challenges.stop();
    world.isUnreachable = false;
    clock.advance(60_000);
    await settle();
    assert.deepEqual(told, []);
    assert.equal(clock.pending, 0);
  });
});
