import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { factsOf, toMessage } from "../../../src/core/inbound/inbox.ts";
import type { Verdict } from "../../../src/core/inbound/inbox.ts";
import {
  directMessage,
  guildMessage,
  guildPlace,
  messageId,
} from "../../support/discord/builders.ts";
import { sameData } from "../../support/same_data.ts";

const ignored = (why: (Verdict & { kind: "ignore" })["why"]): Verdict => ({
  kind: "ignore",
  why,
  rule: "r",
  keepAsContext: false,
});
const accepted = (why: (Verdict & { kind: "accept" })["why"]): Verdict => ({
  kind: "accept",
  why,
  rule: "r",
});

/** Parts of a message that must not be recorded. */
const secretive = guildMessage({
  text: "/restart canary-text",
  place: guildPlace({ topic: "canary-topic", isAgeRestricted: true }),
  quoted: { id: guildMessage().id, text: "canary-quote" },
  extras: [{ kind: "attachment", text: "canary-file" }],
});

describe("[P1] factsOf()", () => {
  for (
    const verdict of [ignored("sender-not-listed"), accepted("mentioned"), ignored("no-mention")]
  ) {
    it(`keeps no words of a message: ${verdict.why}`, () => {
      assert.doesNotMatch(JSON.stringify(factsOf(secretive, {}, verdict)), /canary/);
    });
  }

  it("does not keep whether a refused sender gave a command", () => {
    const facts = factsOf(
      guildMessage({ text: "/restart" }),
      {},
      ignored("sender-not-listed"),
      undefined,
      "restart",
    );
    assert.equal(facts.command, undefined);
    assert.equal(facts.matchesPattern, undefined);
    assert.equal(facts.hasContent, true);
  });

  it("names the command if the verdict depends on it", () => {
    const facts = factsOf(guildMessage(), {}, ignored("not-owner"), undefined, "restart");
    assert.equal(facts.command, "restart");
  });

  const patterns: readonly [verdict: Verdict, mention: "user" | undefined, matched?: boolean][] = [
    [accepted("mentioned"), undefined, true],
    [accepted("mentioned"), "user"], // no check was needed
    [ignored("no-mention"), undefined, false],
    [accepted("mention-not-required"), undefined, false],
    [accepted("dm-allowed"), undefined],
    // It would be answered, so it is judged again as if a pattern had matched.
    [{ kind: "undecided", why: "pluralkit-original", rule: "r" }, undefined, true],
    [ignored("pk-original"), undefined, true],
    [ignored("channel-not-listed"), undefined],
  ];
  for (const [verdict, mention, matched] of patterns) {
    it(`knows of the patterns ${matched ?? "nothing"} of ${verdict.why}${mention ? " by mention" : ""}`, () => {
      const message = guildMessage(mention ? { mention } : {});
      assert.equal(factsOf(message, {}, verdict).matchesPattern, matched);
    });
  }

  for (const [said, matched] of [["mentioned", true], ["mention-not-required", false]] as const) {
    it(`[G6] keeps policy's verdict of a late message: ${said}`, () => {
      const facts = factsOf(guildMessage(), {}, ignored("too-old"), accepted(said));
      assert.equal(facts.matchesPattern, matched);
    });
  }

  it("[G6] tells a stranger's late message from a settled one", () => {
    const said: Verdict = { kind: "challenge", why: "pairing", rule: "r" };
    assert.deepEqual(factsOf(directMessage(), {}, ignored("too-old"), said).knownFacts, {});
  });

  const settled: readonly [why: Parameters<typeof ignored>[0], isPaired: boolean | undefined][] = [
    ["pairing-pending", false],
    ["pairing-full", false],
    ["pairing-denied", false],
    ["dm-not-allowed", undefined],
  ];
  for (const [why, isPaired] of settled) {
    it(`[P3] keeps whether the sender is paired after ${why}: ${isPaired}`, () => {
      assert.equal(factsOf(directMessage(), {}, ignored(why)).knownFacts.isPaired, isPaired);
    });
  }

  it("[P3] keeps that the store found the sender paired", () => {
    const { knownFacts } = factsOf(
      directMessage(),
      { ownsApplication: true },
      accepted("dm-paired"),
    );
    assert.deepEqual(knownFacts, { ownsApplication: true, isPaired: true });
  });
});

describe("[P1] factsOf() of the same sender's messages in the same place", () => {
  it("is equal, so that the store keeps it once", () => {
    const [one, two] = ["1400000000000000101", "1500000000000000102"].map((id) =>
      factsOf(guildMessage({ id: messageId(id), text: id }), {}, ignored("no-mention"))
    );
    assert.deepEqual(one, two);
  });
});

describe("[P1] toMessage()", () => {
  it("gives the message without its words, and survives JSON", () => {
    const message = guildMessage({
      mention: "user",
      mentionsOthers: true,
      revision: 1,
      isAnnouncement: true,
    });
    const facts = factsOf(message, { isMuted: true }, accepted("mentioned"));
    const again = toMessage(JSON.parse(JSON.stringify(facts)), message);
    const { content, ...rest } = again;
    assert.deepEqual(rest, { ...message, text: "" });
    sameData(content, { hasContent: true });
  });
});
