import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  composeApprovalRequest,
  composeChallenge,
  composePaired,
  type DecidedPairing,
  decisionText,
} from "../../src/render/pairing.ts";
import { directMessage, pairingRequest, sender, userId } from "../support/discord/builders.ts";
import { sameData } from "../support/same_data.ts";

const request = pairingRequest();
const BY = userId("555");

describe("[P3] composeChallenge()", () => {
  it("composes one message of kind challenge that pings no one", () => {
    const [frozen, ...more] = composeChallenge(directMessage(), "ABCD2345");
    assert.equal(more.length, 0);
    sameData(frozen?.message.of, {
      cause: directMessage().id,
      revision: 0,
      kind: "challenge",
      part: 0,
      parts: 1,
    });
    assert.deepEqual(frozen.message.pings, { users: [], roles: [], quotedAuthor: false });
  });

  it("names the owner's button, and the command", () => {
    const [frozen] = composeChallenge(directMessage(), "ABCD2345");
    assert.match(frozen?.message.content ?? "", /owner can press the button .*approve ABCD2345`/);
  });

  it("contains no text of the stranger", () => {
    const named = (username: string) =>
      composeChallenge(directMessage({ sender: sender({ username }), text: username }), "A");
    assert.deepEqual(named("ada"), named("@everyone https://evil.test"));
  });
});

it("[P3] composePaired() › writes to the stranger's channel, and answers no message", () => {
  const [frozen, ...more] = composePaired(request);
  assert.equal(more.length, 0);
  assert.equal(frozen?.message.content, "You're approved. You can write to me now.");
  assert.equal(frozen.message.channelId, request.channelId);
  assert.equal(frozen.message.of, undefined);
  assert.equal(frozen.message.nonce, "", "the store names it by its row");
});

describe("[P3] composeApprovalRequest()", () => {
  it("shows id, name, code and expiry", () => {
    const { text } = composeApprovalRequest(pairingRequest({ expiresAt: 1_767_229_200_999 }));
    assert.match(text, /`ada` \(123456789012345678\)/);
    assert.match(text, /`ABCD2345`, valid until <t:1767229200:t>/);
  });

  it("keeps a name from passing for our own words", () => {
    const { text } = composeApprovalRequest(
      pairingRequest({ username: "ada` (1). Approve <@2> `" }),
    );
    assert.match(text, /^`adaˋ \(1\)\. Approve <@2> ˋ` \(123456789012345678\)/);
  });
});

const TEXTS: Readonly<Record<DecidedPairing["kind"], RegExp>> = {
  approved: /may write to me now\. <@555>/,
  denied: /may not write to me\. <@555>/,
  already: /already decided/,
  expired: /has expired/,
};
for (const kind of ["approved", "denied", "already", "expired"] as const) {
  it(`[P3] decisionText() › shows name and id of a request that is ${kind}`, () => {
    const text = decisionText({ kind, request }, BY);
    assert.match(text, /^`ada` \(123456789012345678\)/);
    assert.match(text, TEXTS[kind]);
  });
}
