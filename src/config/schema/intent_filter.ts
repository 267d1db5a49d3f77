/**
 * Keys of the intent filter, of an account and of a place.
 *
 * @module
 */

import { z } from "zod";
import { amount, key } from "./parts/key.ts";

/** The effect of an intent filter in this version. */
export const INTENT_FILTER =
  "while it is on, Barnacle ignores messages without a mention, even if none is required";

const FILTER_ENABLED =
  "Whether a local classifier decides if a message without a mention is meant for the bot.";

/** The intent filter of an account. */
export const intentFilter = () =>
  z.strictObject({ enabled: key(z.boolean().default(false), FILTER_ENABLED), ...filterKeys() });

/**
 * The intent filter of a place, which inherits `enabled` from the level above. Only that key has an
 * effect in this version: the config has no others.
 */
export const intentFilterHere = () =>
  z.strictObject({
    enabled: key(z.boolean().optional(), FILTER_ENABLED, {
      unset: "that of the level above",
      example: false,
    }),
    ...filterKeys(),
  }).transform(({ enabled }) => enabled);

const filterKeys = () => ({
  model: key(z.literal("lightweight").default("lightweight"), "The classifier to use."),
  respondThreshold: key(
    amount(0, 1).default(0.7),
    "Minimum confidence of the classifier, from 0 to 1, for the bot to answer.",
    { example: 0.8 },
  ),
  alwaysRespondToMentions: key(
    z.boolean().default(true),
    "Whether to answer every mention, without asking the classifier.",
  ),
});
