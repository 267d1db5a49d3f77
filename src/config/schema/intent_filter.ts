/** Keys of an `intentFilter`: of an account, a guild and a channel (I1). */

import { z } from "zod";
import { INTENT_DEFAULTS, type IntentKeys } from "../../policy/rules/rules.ts";
import { amount, key, type KeyDoc, lazyKey } from "./parts/key.ts";

/** A place inherits each key that it does not write. */
type FilterLevel = "account" | "guild" | "channel";

/** The section of an account, a guild or a channel. */
export const intentFilter = (
  level: FilterLevel,
  description: string,
  details: Omit<KeyDoc, "description">,
) => lazyKey(() => keysOf(level), description, details);

function keysOf(level: FilterLevel) {
  const own = <S extends z.ZodType>(
    name: keyof IntentKeys,
    schema: S,
    description: string,
    details: Pick<KeyDoc, "example" | "unit"> = {},
  ): z.ZodOptional<S> => {
    const unset = level === "account"
      ? `\`${JSON.stringify(INTENT_DEFAULTS[name])}\``
      : "that of the level above";
    return key(schema.optional(), description, { unset, ...details });
  };
  return z.strictObject({
    enabled: own(
      "enabled",
      z.boolean(),
      "Whether a local classifier decides if a message without a mention is meant for the bot. It " +
        "matters where `requireMention` is `false`.",
      { example: true },
    ),
    model: own(
      "model",
      z.literal("lightweight"),
      "The classifier, which is a part of the program.",
      { example: "lightweight" },
    ),
    respondThreshold: own(
      "respondThreshold",
      amount(0, 1),
      "Score of a message, from 0 to 1, from which on the bot answers.",
      { example: 0.8 },
    ),
    alwaysRespondToMentions: own(
      "alwaysRespondToMentions",
      z.boolean(),
      "Whether to answer every mention. With `false`, one that needs no answer, such as thanks, gets none.",
      { example: false },
    ),
  });
}
