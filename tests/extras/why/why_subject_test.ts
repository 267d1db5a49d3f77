import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSubject } from "../../../src/cli/verdict/subject.ts";
import { sameData } from "../../support/same_data.ts";

const ID = "1400000000000000001";

describe("[P1] parseSubject()", () => {
  const messages: readonly (readonly [text: string, place?: object])[] = [
    [ID],
    [` ${ID}\n`],
    [`1400000000000000002-${ID}`],
    [`https://discord.com/channels/@me/12/${ID}`, { channelId: "12" }],
    [`https://discord.com/channels/11/12/${ID}`, { channelId: "12", guildId: "11" }],
    [`<https://ptb.discord.com/channels/11/12/${ID}>`, { channelId: "12", guildId: "11" }],
  ];
  for (const [text, place] of messages) {
    it(`reads ${JSON.stringify(text)}`, () => {
      const expected = { kind: "message", messageId: ID, ...(place && { place }) };
      sameData(parseSubject(text), expected);
    });
  }

  it("[R11] reads an error id, also with backticks", () => {
    for (const text of ["0123456789ab", "`0123456789AB`"]) {
      assert.deepEqual(parseSubject(text), { kind: "failure", failureId: "0123456789ab" });
    }
  });

  it("reads twelve digits as an error id: a message id has more", () => {
    assert.equal(parseSubject("012345678912").kind, "failure");
    assert.equal(parseSubject("99999999999999999999").kind, "problem", "more than 64 bits");
  });

  for (const text of ["", "ada", "#help", "<#1400000000000000002>", "0123456789a", "-5"]) {
    it(`rejects ${JSON.stringify(text)}`, () => {
      assert.equal(parseSubject(text).kind, "problem");
    });
  }
});
