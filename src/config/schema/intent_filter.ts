/** Keys of an `intentFilter`: of an account, a guild and a channel (I1). */

import { z } from "zod";
import { isWrittenEmoji } from "../../core/discord/emoji.ts";
import { INTENT_DEFAULTS, type IntentKeys, MAX_PER_HOUR } from "../../policy/rules/intent_rules.ts";
import { modelRef } from "./models.ts";
import { amount, key, type KeyDoc, lazyKey, whole } from "./parts/key.ts";

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
      z.union([z.literal("lightweight"), modelRef()]),
      '`"lightweight"` is a classifier in the program. `"<provider>/<model>"` asks a small model, for ' +
        "1.5 s; without its answer, the classifier decides.",
      { example: "ollama/llama3.2" },
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
      "Whether to answer every mention. With `false`, one that needs no answer, such as thanks, gets " +
        "the reaction.",
      { example: false },
    ),
    openRequests: own(
      "openRequests",
      z.boolean(),
      "Whether the bot also answers questions to the whole channel, which follow on nothing that " +
        "it said. For help channels.",
      { example: true },
    ),
    cooldownSec: own(
      "cooldownSec",
      amount(0, 86_400),
      "Pause in a channel after an answer to a message without a mention, before the next such " +
        "answer. The person whom the bot answered last need not wait.",
      { unit: "seconds", example: 60 },
    ),
    maxPerHour: own(
      "maxPerHour",
      whole(0, MAX_PER_HOUR),
      "Maximum number of answers an hour in a channel to messages without a mention; `0` allows " +
        "none.",
      { unit: "answers", example: 10 },
    ),
    noReplyReaction: own(
      "noReplyReaction",
      z.string().refine(
        (written) => written === "" || isWrittenEmoji(written),
        "Expected one emoji, or one of the server's own as <:name:id>",
      ),
      "Reaction to a message for the bot that needs no answer, such as thanks: an emoji, or a " +
        "server's own as `<:name:id>`. An empty text disables it.",
      { example: "" },
    ),
  });
}
