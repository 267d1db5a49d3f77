import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { parseSnowflake } from "../../../../src/core/discord/ids.ts";
import { decodeMessage, messagePayload } from "../../../../src/discord/gateway/decode/decode.ts";
import { ACCOUNT, userId } from "../../../support/discord/builders.ts";

const self = {
  userId: userId("5"),
  applicationId: parseSnowflake<"application">("6")!,
  username: "barnacle",
};
const context = { accountId: ACCOUNT, self, index: new Map() };

const PLAIN = {
  ...{ id: "1400000000000000001", type: 0, channel_id: "11", guild_id: "12", nonce: "1" },
  author: { id: "13", username: "ada", discriminator: "0", bot: false },
  member: { roles: ["14", "15"], nick: "A" },
  ...{
    content: "hello <@5>",
    mentions: [{ id: "5", username: "barnacle" }],
    mention_roles: ["14"],
  },
};

/** Values of expected and other shapes. */
const odd = fc.oneof(
  fc.constantFrom(undefined, null, "", "13", "5", "x", 0, -1, true, [], {}, [null], ["14"], [{}]),
  fc.constantFrom([{ id: "5" }], [{ id: 5 }], { id: "13" }, { roles: [] }, "18446744073709551616"),
  fc.jsonValue(),
);
const aField = fc.constantFrom(...Object.keys(messagePayload._zod.innerType.shape));
const aPayload = fc.array(fc.tuple(aField, odd), { maxLength: 3 })
  .map((changes) => ({ ...PLAIN, ...Object.fromEntries(changes) }));

it("[P1] decodeMessage() › reads a message of few fields as with all of them", () => {
  fc.assert(
    fc.property(aPayload, (payload) => {
      const whole = { webhook_id: "", ...payload }; // an empty text is no absent part
      assert.deepEqual(decodeMessage(payload, context), decodeMessage(whole, context));
    }),
    { numRuns: 3_000 },
  );
});
